//! swamp
fn main() {}
