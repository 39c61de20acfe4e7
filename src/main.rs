//! The `untether` program: its arguments, and nothing else.

use std::process::ExitCode;

#[actix_web::main]
async fn main() -> ExitCode {
    untether::cli::main().await
}
