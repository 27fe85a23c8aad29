//! Jobs that fail next to each other, and failures that are allowed.
