//! From text to values: parser events and the meaning of scalars.
