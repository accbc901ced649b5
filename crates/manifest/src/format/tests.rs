use super::*;

mod generated;
mod shapes;

fn formatted(text: &str) -> String {
    format(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Checks the canonical form of a text, and that it is a fixed point.
fn check(text: &str, expected: &str) {
    let found = formatted(text);
    assert_eq!(found, expected, "\nfound:\n{found}\nexpected:\n{expected}");
    assert_eq!(formatted(expected), expected);
}

const HEAD: &str = "apiVersion: docker.com/governance/v1\nkind: Policy\nmetadata:\n  name: p\n";

fn check_spec(spec: &str, expected: &str) {
    check(
        &format!("{HEAD}spec:\n{spec}"),
        &format!("{HEAD}spec:\n{expected}"),
    );
}

fn check_hosts(hosts: &str, expected: &str) {
    let head =
        "apiVersion: polwarden/v1\nkind: ResourceList\nmetadata:\n  name: l\nspec:\n  hosts:\n";
    check(&format!("{head}{hosts}"), &format!("{head}{expected}"));
}

fn check_untouched(text: &str) {
    assert_eq!(formatted(text), text);
}

#[test]
fn keys_get_their_canonical_order_and_two_spaces() {
    check(
        "# schema\n\nspec:\n     rules:\n     - resources: [b.example.com,a.example.com,   'a.example.com']\n       \
         httpResources:   [ {path: /x , host: a} ]\n       decision:   allow\n       name: r   \n       actions:\n       \
         - connect:udp\n       - connect:tcp\n     scope: {teams: [z, a]}\n\n\nmetadata: { protect: true, aliases: [z, \
         a], name: p }\nkind: Policy\napiVersion: docker.com/governance/v1\n\n\n",
        "# schema\n\napiVersion: docker.com/governance/v1\nkind: Policy\n\nmetadata: {name: p, aliases: [z, a], protect: \
         true}\nspec:\n  scope: {teams: [a, z]}\n  rules:\n    - name: r\n      decision: allow\n      actions:\n        \
         - connect:tcp\n        - connect:udp\n      resources: [a.example.com, b.example.com]\n      httpResources: \
         [{host: a, path: /x}]\n",
    );
    check(
        "kind: Config\ntargets:\n- teams: {z: '1', a: '2'}\n  paths: [z, a, z]\n  name: t\n  limits:\n    maxDeletes: \
         3\n    maxUpdates: 30%\n  organization: o\n  provider: docker\napiVersion: polwarden/v1\n",
        "apiVersion: polwarden/v1\nkind: Config\ntargets:\n  - name: t\n    provider: docker\n    organization: o\n    \
         paths: [z, a, z]\n    limits:\n      maxUpdates: 30%\n      maxDeletes: 3\n    teams: {z: '1', a: '2'}\n",
    );
}

#[test]
fn unknown_keys_come_last_in_their_order() {
    check_spec(
        "  zebra: 1\n  ant: [b, a]\n  rules: []\n",
        "  rules: []\n  zebra: 1\n  ant: [b, a]\n",
    );
}

#[test]
fn rules_and_aliases_keep_their_order() {
    check_spec(
        "  rules:\n  - {name: z, aliases: [y, x]}\n  - {name: a}\n",
        "  rules:\n    - {name: z, aliases: [y, x]}\n    - {name: a}\n",
    );
}

#[test]
fn comments_move_with_what_they_are_about() {
    check_spec(
        "  # about the rules\n  rules: # these\n   # about z\n   - decision: deny # why\n     # its name\n     name: z\n     \
         # end of z\n   # about a\n\n\n   - # odd place\n     name: a\n   # end of the rules\n\n  # about the scope\n  scope:\n    # \
         nobody yet\n# end\n",
        "  # about the scope\n  scope:\n    # nobody yet\n  # about the rules\n  rules: # these\n    # about z\n    # its \
         name\n    - name: z\n      decision: deny # why\n      # end of z\n    # about a\n\n    # odd place\n    - name: \
         a\n    # end of the rules\n# end\n",
    );
}

#[test]
fn lists_are_sorted_within_their_sections() {
    check_hosts(
        "   - c\n   # about b\n   - b\n\n   - a # x\n   # Second\n\n   - z\n   - \"b\"\n   # again\n   - a\n   - y\n   # Third\n\n   - c\n   # end\n",
        "    - a # x\n    # about b\n    - b\n    - c\n    # Second\n\n    # again\n    - a\n    - y\n    - z\n    # \
         Third\n    # end\n",
    );
}

#[test]
fn equal_items_become_one_with_all_comments() {
    check_hosts(
        "    # one\n    - a # x\n    # two\n    - 'a' # y\n    - b\n    - b # z\n",
        "    # one\n    # two\n    # y\n    - a # x\n    - b # z\n",
    );
}

#[test]
fn http_resources_are_sorted_by_host_port_and_path() {
    check_spec(
        "  rules:\n    - name: r\n      httpResources:\n        - {host: b, path: /}\n        - path: /z\n          port: \
         443 # tls\n          host: a\n        - {host: a, port: 80, path: /}\n        - {host: a, path: /}\n        - {path: /, \
         host: b}\n",
        "  rules:\n    - name: r\n      httpResources:\n        - {host: a, path: /}\n        - {host: a, port: 80, path: \
         /}\n        - host: a\n          port: 443 # tls\n          path: /z\n        - {host: b, path: /}\n",
    );
}

#[test]
fn what_an_entry_brings_to_the_line_of_the_dash_stands_above_it() {
    check_spec(
        "  rules:\n    - name: r\n      httpResources:\n        # b\n\n        - path: /\n\n          # host\n\n          host: \
         b\n        - path: /\n\n          host: a\n",
        "  rules:\n    - name: r\n      httpResources:\n        # b\n\n        - host: a\n          path: /\n        # host\n        - \
         host: b\n          path: /\n",
    );
}

#[test]
fn a_list_of_something_else_is_not_sorted() {
    check_hosts(
        "  - b\n  - 443\n  - a\n  - b\n",
        "    - b\n    - 443\n    - a\n    - b\n",
    );
}

#[test]
fn flow_lists_that_are_long_or_commented_become_blocks() {
    let host = |letter: &str| format!("{}.example.com", letter.repeat(50));
    let a = host("a");
    let b = host("b");
    check_spec(
        &format!("  rules:\n    - name: r\n      resources: [{b}, {a}] # both\n"),
        &format!(
            "  rules:\n    - name: r\n      resources: # both\n        - {a}\n        - {b}\n"
        ),
    );
    check_spec(
        "  rules:\n    - name: r\n      actions: [ # first\n        write, # w\n        # about read\n        read\n      ]\n",
        "  rules:\n    - name: r\n      actions:\n        # about read\n        - read\n        # first\n        - write # w\n",
    );
    check_spec(
        "  rules:\n  - {name: r, # n\n     decision: deny} # d\n",
        "  rules:\n    # d\n    - name: r # n\n      decision: deny\n",
    );
}

#[test]
fn the_longest_line_has_120_characters() {
    let line = |width: usize| format!("  cedar: [{}]\n", "é".repeat(width - "  cedar: []".len()));
    check_spec(&line(120), &line(120));
    let item = line(121)
        .trim()
        .trim_start_matches("cedar: [")
        .trim_end_matches(']')
        .to_owned();
    check_spec(&line(121), &format!("  cedar:\n    - {item}\n"));
}

#[test]
fn block_scalars_keep_their_content() {
    check_spec(
        "      cedar:\n            schemaUrl: u\n            text: |+ # keep\n\n                    permit (\n                      \
         principal  \n                    );\n                       \n                   # no comment\n",
        "  cedar:\n    text: |+ # keep\n\n      permit (\n        principal  \n      );\n         \n    schemaUrl: u\n    # no comment\n",
    );
    for header in ["|2", "|2-", ">2+"] {
        check_spec(
            &format!(
                "  cedar:\n    text: {header}\n        a\n      b\n\n    # c\n    schemaUrl: u\n"
            ),
            &format!(
                "  cedar:\n    text: {header}\n        a\n      b\n\n    # c\n    schemaUrl: u\n"
            ),
        );
    }
    // The empty line is content after `|+`, but not after `|`.
    check_spec(
        "  cedar:\n    schemaUrl: u\n    text: |+\n      a\n\n\n    file: f\n",
        "  cedar:\n    text: |+\n      a\n\n\n    file: f\n    schemaUrl: u\n",
    );
    check_spec(
        "  cedar:\n    text: |\n      a\n\n\n    file: f\n",
        "  cedar:\n    text: |\n      a\n\n    file: f\n",
    );
    check_spec(
        "  cedar:\n    text: >-\n     a\n\n\n",
        "  cedar:\n    text: >-\n      a\n",
    );
}

#[test]
fn a_kept_empty_line_is_not_joined_by_another() {
    check_spec(
        "  cedar:\n    schemaUrl: u\n\n    file: f\n    text: |+\n      a\n\n",
        "  cedar:\n    text: |+\n      a\n\n    file: f\n    schemaUrl: u\n",
    );
}

#[test]
fn scalars_of_several_lines_are_indented_anew() {
    check_spec(
        "  cedar:\n     text: \"a \\\n          b\n\n       c\"  # x\n     file: p\n      q\n     schemaUrl:\n       # where\n       u\n",
        "  cedar:\n    text: \"a \\\n      b\n\n      c\" # x\n    file: p\n      q\n    # where\n    schemaUrl: u\n",
    );
}

#[test]
fn documents_keep_their_markers() {
    let other = "apiVersion: example.com/v1\nkind: Other\nb:   1\na: 2\n\n\n";
    check(
        &format!("# top\n---   # first\n{HEAD}spec: {{}}\n\n---\n{other}---\n\n# second\n{HEAD}"),
        &format!("# top\n--- # first\n{HEAD}spec: {{}}\n---\n{other}---\n# second\n{HEAD}"),
    );
}

#[test]
fn line_ends_and_byte_order_marks_stay() {
    let text = "\u{feff}kind: Policy\r\napiVersion: docker.com/governance/v1\r\nspec:\r\n    cedar: {text: \"a\r\n        b\"}\r\n";
    let expected = "\u{feff}apiVersion: docker.com/governance/v1\r\nkind: Policy\r\nspec:\r\n  cedar:\r\n    text: \"a\r\n      b\"\r\n";
    check(text, expected);
    check(
        &format!("{HEAD}spec:   {{}}"),
        &format!("{HEAD}spec: {{}}\n"),
    );
}

#[test]
fn what_is_not_understood_stays_byte_for_byte() {
    let specs = [
        "spec:   &a {}",
        "x: &a 1\nspec:   *a",
        "spec:   !t {}",
        "?  spec\n: {}",
        "spec:   {[a]: b}",
        "spec:   [a: b]",
        "spec:   {a, b}",
        "spec:   [ # c\n ]",
        "spec:\n -\n - a",
        "spec:   {}\n...",
        "spec:   1\nspec:   2",
        "<<:   {}",
    ];
    for spec in specs {
        let text = format!("{HEAD}{spec}\n");
        check_untouched(&text);
    }
    // An alias before its anchor is invalid YAML.
    assert!(format(&format!("{HEAD}spec:   [*a, &a 1]\n")).is_err());
    let texts = [
        "{\"kind\":\"Policy\",\"apiVersion\":\"docker.com/governance/v1\"}",
        "kind:   Policy\n",
        "- kind:   Policy\n",
        "",
        "# only a comment  \n\n\n",
        "kind:   Policy\napiVersion: docker.com/governance/v2\n",
        "%YAML 1.2\n--- {kind:   Policy,   apiVersion: docker.com/governance/v1}\n",
        "kind:   Policy\napiVersion: docker.com/governance/v1\nx: '\u{feff}'\n",
    ];
    for text in texts {
        check_untouched(text);
    }
}

#[test]
fn a_text_that_is_not_yaml_is_refused_with_its_place() {
    let file = SourceMap::default().add("policies/a.yaml", "");
    let text = format!("{HEAD}spec: [\n");
    let Err(FormatError::Unreadable(unreadable)) = format(&text) else {
        panic!("formatted")
    };
    let finding = unreadable.diagnostic(file);
    assert_eq!(finding.code, Code::YamlSyntax);
    assert!(matches!(&finding.labels[0].place, Place::Bytes { file: found, .. } if *found == file));
    assert!(matches!(
        format(&"x".repeat(crate::MAX_BYTES + 1)),
        Err(FormatError::Unreadable(_))
    ));
}

#[test]
fn the_safety_net_sees_every_kind_of_change() {
    let text = format!("{HEAD}spec: # c\n  scope: {{teams: [a, b]}}\n  rules: []\n");
    let changes = [
        ("a, b", "a, c", "what the manifests say"),
        ("name: p", "name: P", "what the manifests say"),
        ("a, b", "b, a, b", ""),
        ("# c", "", "the comments"),
        ("# c", "# d", "the comments"),
        ("rules: []", "rules: [{x: 1}]", "what the manifests say"),
    ];
    for (from, to, expected) in changes {
        let found = verify::check_same_meaning(&text, &text.replace(from, to));
        assert_eq!(found.err().unwrap_or_default(), expected, "{from} → {to}");
    }
    // An unknown field: the document has no type.
    let text = format!("{text}x: 1\n");
    assert_eq!(
        verify::check_same_meaning(&text, &text.replace("x: 1", "x: 2")),
        Err("the values of the text")
    );
}

/// Any changed byte would be another version.
#[test]
fn documents_of_chainloop_stay_byte_for_byte() {
    let native = "apiVersion:   chainloop.dev/v1\r\nspec:   {policies: [{embedded: x}]} # why\r\nkind: Policy\r\nmetadata:\r\n      name: 'a'  ";
    for text in [
        native.to_owned(),
        format!("\u{feff}# license\r\n---   \r\n{native}"),
    ] {
        assert_eq!(format(&text).unwrap(), text);
    }
    let list = "kind: ResourceList\napiVersion: polwarden/v1\nmetadata: {name: l}\nspec:\n    hosts: [b.example.com]\n";
    let native = native.replace("\r\n", "\n");
    for spelling in ["apiVersion", "api_version"] {
        let native = native.replace("apiVersion", spelling);
        let formatted = format(&format!("{list}---\n{native}\n")).unwrap();
        assert!(
            formatted.starts_with("apiVersion: polwarden/v1\n"),
            "{formatted}"
        );
        assert!(
            formatted.ends_with(&format!("---\n{native}\n")),
            "{formatted}"
        );
    }
}

/// The number of schema errors is limited; the form of a text does not depend on them.
#[test]
fn a_document_with_many_unknown_keys_is_formatted() {
    let unknown: String = (0..200).map(|key| format!("k{key}: 1\n")).collect();
    let text = format!("{unknown}kind: Policy\napiVersion: docker.com/governance/v1\n");
    let expected = format!("apiVersion: docker.com/governance/v1\nkind: Policy\n{unknown}");
    check(&text, &expected);
}

#[test]
fn a_repeated_key_among_many_keeps_the_document_as_it_is() {
    let keys: String = (0..200).map(|key| format!("k{key}: 1\n")).collect();
    let text = format!("{keys}k7: 2\nkind: Policy\napiVersion: docker.com/governance/v1\n");
    assert_eq!(format(&text).unwrap_or_else(|_| text.clone()), text);
}
