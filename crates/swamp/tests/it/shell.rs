//! `command/shell` on the real machine: processes, pipes, memory.
