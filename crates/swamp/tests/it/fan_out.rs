//! One step that becomes a thousand.
