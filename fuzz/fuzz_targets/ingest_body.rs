//! Bodies of `POST /ingest`, through the handler. What is checked of each stands in `door.rs`.

#![no_main]

#[path = "../../crates/collector/tests/fuzz/door.rs"]
mod door;

use door::Door;

thread_local! {
    static DOOR: Door = Door::open();
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    DOOR.with(|door| {
        door.push(data);
    });
});
