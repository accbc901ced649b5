use super::*;

fn formatted(text: &str) -> String {
    format(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn smoke() {
    let text = "kind: Policy\napiVersion: docker.com/governance/v1\nspec:\n  rules:\n  - resources: [b, a] # x\n    name: z\n    # d\n    decision: allow\nmetadata: {name: x}\n";
    println!("{}", formatted(text));
}
