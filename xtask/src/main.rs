//! Tasks around the code: `cargo xtask test` and `cargo xtask bench`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool talks plainly")]

mod bench;
mod measure;
mod test;
mod workload;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask <task>

  test [filter…]   install what the tests need, then run every test
  tools            install what some tests of the collector use and others do without (a gigabyte)
  bench [name…]    build for release and print the benchmarks (start, steps, growth, telemetry,
                   recovery, memory, delivery, collector; after `collector` may come how many events,
                   a million if not)
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next();
    let rest: Vec<String> = arguments.collect();
    let done = match task.as_deref() {
        Some("test") => test::run(&rest),
        Some("tools") => test::install_tools(),
        Some("bench") => bench::run(&rest),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
