//! The `polwarden` binary.

fn main() -> std::process::ExitCode {
    polwarden::cli::main()
}
