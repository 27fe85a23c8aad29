//! How runs fail, and what is recorded about it: one test per way.
