//! The `polwarden` binary.

/// Reading manifests is a great many small allocations on all cores: docs/explanation/performance.md has the difference.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    polwarden::cli::main()
}
