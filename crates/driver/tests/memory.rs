//! A command that prints without end: alone in its process, because it measures that process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use swamp_driver::{Cancel, CommandSpec, Driver, Ending, KEPT_BYTES, Raw, Stdin};

/// The most memory this process ever used, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn a_gigabyte_of_output_is_not_kept_in_memory() {
    for (script, printed, text) in [
        ("head -c 1G /dev/zero", 1 << 30, "\0"),
        ("yes 0123456789abcde | head -c 64M >&2", 64 << 20, "0123456789abcde\n"),
    ] {
        let script = script.to_owned();
        let spec = CommandSpec { script, stdin: Stdin::Null, ..CommandSpec::default() };
        let mut streamed = 0;
        let result = Raw::new()
            .run(&spec, &Cancel::new().unwrap(), &mut |_, line| {
                streamed += line.len() as u64;
            })
            .unwrap();
        assert_eq!(result.ending, Ending::Exited(0));
        let captured = if text == "\0" { &result.stdout } else { &result.stderr };
        assert_eq!((captured.bytes, captured.kept), (printed, KEPT_BYTES as u64));
        assert!(captured.text.starts_with(text) && captured.text.ends_with(text));
        // Line feeds are not streamed, everything else is.
        assert_eq!(streamed, printed / 16 * if text == "\0" { 16 } else { 15 });
        drop(result);
        let peak = peak_memory();
        assert!(peak < 64 << 20, "{peak} bytes");
    }
}
