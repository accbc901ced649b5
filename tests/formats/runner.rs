//! Parses logs as runners of pipelines do, to find commands in them. It follows their published behavior and shares no
//! code with the program.

use std::collections::BTreeMap;

/// A workflow command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) name: String,
    pub(super) properties: BTreeMap<String, String>,
    pub(super) data: String,
}

fn decode(text: &str) -> String {
    text.replace("%0D", "\r")
        .replace("%0A", "\n")
        .replace("%3A", ":")
        .replace("%2C", ",")
        .replace("%25", "%")
}

/// All commands of a log.
pub(super) fn commands(log: &str) -> Vec<Command> {
    log.split(['\n', '\r']).filter_map(command).collect()
}

fn command(line: &str) -> Option<Command> {
    // The older form may be anywhere in a line; other runners have words before the bracket.
    let old = line.match_indices("##").find(|(at, _)| {
        let rest = &line[at + 2..];
        rest.find('[')
            .is_some_and(|end| rest[..end].chars().all(|c| c.is_ascii_alphanumeric()))
    });
    if let Some((at, _)) = old {
        return Some(Command {
            name: line[at..].to_owned(),
            properties: BTreeMap::new(),
            data: String::new(),
        });
    }
    let body = line.trim_start().strip_prefix("::")?;
    let (head, data) = body.split_once("::")?;
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let pairs = properties
        .split(',')
        .filter_map(|pair| pair.split_once('='));
    let properties = pairs
        .map(|(key, value)| (key.trim().to_owned(), decode(value)))
        .collect();
    Some(Command {
        name: name.to_owned(),
        properties,
        data: decode(data),
    })
}

#[test]
fn commands_are_read_as_a_runner_reads_them() {
    let log = "text ::error::x\n  ::set-output name=a,b=c%2Cd::e%0Af\nx ##[add-mask]y\n##vso[task.x]y\n# [a] ## b[";
    let names: Vec<String> = commands(log)
        .into_iter()
        .map(|command| command.name)
        .collect();
    assert_eq!(names, ["set-output", "##[add-mask]y", "##vso[task.x]y"]);
    assert_eq!(commands(log)[0].properties["b"], "c,d");
    assert_eq!(commands(log)[0].data, "e\nf");
}
