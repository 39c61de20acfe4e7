//! The `untether` program: its arguments, and nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    untether::cli::main()
}
