//! The numbers about the structure, as Markdown.

use std::fmt::Write as _;

use crate::measures::{Size, Structure};

/// Files with fewer lines are listed.
const SHORT: usize = 60;

/// Renders all tables.
pub fn structure(structure: &Structure) -> String {
    let mut out = String::new();
    packages(structure, &mut out);
    for (title, cycles) in [
        ("files", structure.file_cycles()),
        ("modules", structure.module_cycles()),
        ("crates", structure.package_cycles()),
    ] {
        let _ = writeln!(out, "\n## Cycles among {title}: {}\n", cycles.len());
        for cycle in cycles {
            let _ = writeln!(out, "- {}", cycle.join(" ↔ "));
            for edge in structure.explain(&cycle) {
                let _ = writeln!(out, "  - {edge}");
            }
        }
    }
    types(structure, &mut out);
    let short = structure.short_files(SHORT);
    let _ = writeln!(out, "\n## Files under {SHORT} lines: {}\n", short.len());
    for (file, lines) in short {
        let _ = writeln!(out, "- {file}: {lines}");
    }
    out
}

fn packages(structure: &Structure, out: &mut String) {
    let sizes = structure.sizes();
    let edges = structure.package_edges();
    let _ = writeln!(out, "## Crates\n");
    let _ = writeln!(out, "| crate | code | files | lines | code lines | uses |");
    let _ = writeln!(out, "|---|---|--:|--:|--:|---|");
    let mut product = Size::default();
    for ((package, sort), size) in &sizes {
        let used = edges.get(package).filter(|_| *sort == "product");
        let used: Vec<&str> = used.into_iter().flatten().map(String::as_str).collect();
        let used = used.join(", ");
        let Size { files, lines } = size;
        let total = lines.total;
        let code = lines.code;
        let _ = writeln!(
            out,
            "| {package} | {sort} | {files} | {total} | {code} | {used} |"
        );
        if *sort == "product" {
            product.files += files;
            product.lines.code += code;
            product.lines.comment += lines.comment;
            product.lines.doc += lines.doc;
        }
    }
    let lines = product.lines;
    let per_comment = lines.code / lines.comment.max(1);
    let restricted = structure.places(|facts| &facts.restricted).len();
    let tuples = structure.places(|facts| &facts.tuple_lets).len();
    let named = structure.files_that_name_services(|file| file.starts_with("src/service/"));
    let _ = writeln!(out, "\n| measure | value |\n|---|--:|");
    let _ = writeln!(
        out,
        "| code lines per line with only a `//` comment | {per_comment} |"
    );
    let _ = writeln!(out, "| lines with only a doc comment | {} |", lines.doc);
    let _ = writeln!(out, "| `pub(in …)` | {restricted} |");
    let _ = writeln!(out, "| `let (a, b) = (x, y)` | {tuples} |");
    let _ = writeln!(
        out,
        "| files outside of `src/service` that name a service | {} |",
        named.len()
    );
    let all = structure.edges.len();
    let parents = all - structure.uses().len();
    let _ = writeln!(out, "| uses of one file by another | {all} |");
    let _ = writeln!(
        out,
        "| of these, uses of the parent module's file | {} |",
        parents
    );
}

fn types(structure: &Structure, out: &mut String) {
    let names = structure.type_names();
    let repeated: Vec<_> = names
        .iter()
        .filter(|(_, places)| places.len() > 1)
        .collect();
    let percent = 100.0 * repeated.len() as f64 / names.len().max(1) as f64;
    let _ = writeln!(
        out,
        "\n## Type names defined more than once: {} of {} ({percent:.1} %)\n",
        repeated.len(),
        names.len()
    );
    for (name, places) in repeated {
        let _ = writeln!(out, "- `{name}`: {}", places.join(", "));
    }
}
