//! All documented forms of records, and hostile ones (contract: docker/AUDIT).

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use traffic::{
    Aggregator, KEY_BYTES, PrincipalKey, ReadError, RecordReader, SkipReason, TrafficReader,
    write_traffic,
};

/// The rows and skipped records of some inputs, as text.
fn imported(inputs: &[&[u8]]) -> (Vec<String>, Vec<(SkipReason, u64)>) {
    let mut aggregator = Aggregator::new(None);
    for input in inputs {
        RecordReader::new(&mut aggregator).read(*input).unwrap();
    }
    let (header, rows) = aggregator.finish();
    let rows = rows.iter().map(|row| {
        format!(
            "{} {} {} {} {} {:?} {}",
            row.kind,
            row.object,
            row.principal.as_deref().unwrap_or("-"),
            row.agent.as_deref().unwrap_or("-"),
            row.day.map_or("-".to_owned(), |day| day.to_string()),
            row.decision,
            row.count
        )
    });
    (rows.collect(), header.skipped.0.into_iter().collect())
}

fn rows(input: &str) -> Vec<String> {
    imported(&[input.as_bytes()]).0
}

fn skipped(input: &str) -> Vec<(SkipReason, u64)> {
    imported(&[input.as_bytes()]).1
}

const EGRESS: &str = r#"{"audit_event_id":"11111111-1111-4111-8111-111111111111","timestamp":"2026-11-23T10:00:00Z","schema_version":"1.216","category":"AUDIT_CATEGORY_EVALUATION","decision":"AUDIT_DECISION_ALLOW","username":"alice","agent":"claude","action_type":"network_egress","resource_id":"api.example.com:443","payload":{"protocol":"tcp"}}"#;

#[test]
fn records_of_machines_are_read() {
    assert_eq!(
        rows(EGRESS),
        ["tcp api.example.com:443 alice claude 2026-11-23 Allow 1"]
    );
    let http = r#"{"timestamp":"2026-11-23T23:59:59Z","decision":"AUDIT_DECISION_DENY","username":"bob","action_type":"http_request","payload":{"method":"HTTP_METHOD_POST","host":"api.example.com","port":"443","path":"/v1/items"}}"#;
    assert_eq!(
        rows(http),
        ["post https://api.example.com/v1/items bob - 2026-11-23 Deny 1"]
    );
    let ipv6 = EGRESS.replace("api.example.com:443", "[2001:db8::1]:443");
    assert_eq!(
        rows(&ipv6),
        ["tcp [2001:db8::1]:443 alice claude 2026-11-23 Allow 1"]
    );
    // Schema 1.80 has no port.
    let no_port = EGRESS.replace("api.example.com:443", "api.example.com");
    assert_eq!(
        rows(&no_port),
        ["tcp api.example.com alice claude 2026-11-23 Allow 1"]
    );
    let no_port_ipv6 = EGRESS.replace("api.example.com:443", "[2001:db8::1]");
    assert_eq!(
        rows(&no_port_ipv6),
        ["tcp [2001:db8::1] alice claude 2026-11-23 Allow 1"]
    );
}

#[test]
fn mounts_and_mcp_requests_are_read() {
    let record = |action: &str, resource: &str| {
        format!(r#"{{"action_type":"{action}","resource_id":"{resource}"}}"#)
    };
    for (action, resource, expected) in [
        ("filesystem_mount", "/home/x/src", "mount /home/x/src"),
        (
            "tool_invocation",
            "delete_issue",
            "mcp invokeTool delete_issue",
        ),
        ("resource_read", "notes", "mcp readResource notes"),
        ("server_registration", "github", "mcp register github"),
        ("prompt", "review", "mcp getPrompt review"),
    ] {
        assert_eq!(
            rows(&record(action, resource)),
            [format!("{expected} - - - Unknown 1")]
        );
    }
}

#[test]
fn every_documented_decision_is_known_and_others_are_accepted() {
    for (text, expected) in [
        ("AUDIT_DECISION_ALLOW", "Allow"),
        ("AUDIT_DECISION_DENY", "Deny"),
        ("AUDIT_DECISION_APPROVAL_REQUIRED", "ApprovalRequired"),
        ("AUDIT_DECISION_APPROVED", "Approved"),
        ("AUDIT_DECISION_APPROVAL_ALLOW", "Approved"),
        ("AUDIT_DECISION_REJECTED", "Rejected"),
        ("AUDIT_DECISION_APPROVAL_DENY", "Rejected"),
        ("AUDIT_DECISION_FUTURE", "Unknown"),
    ] {
        let rows = rows(&EGRESS.replace("AUDIT_DECISION_ALLOW", text));
        assert!(rows[0].contains(&format!(" {expected} ")), "{rows:?}");
    }
}

#[test]
fn fields_of_the_api_may_be_in_the_payload() {
    let event = r#"{"events":[{"audit_event_id":"22222222-2222-4222-8222-222222222222","org_id":"x","event_type":"y","action_type":"network_egress","created_at":"2026-11-24T01:02:03Z","payload":{"protocol":"udp","resource_id":"dns.example.com:53","user_email":"a@example.com","agent":"codex"}}],"next_page_token":""}"#;
    assert_eq!(
        rows(event),
        ["udp dns.example.com:53 a@example.com codex 2026-11-24 Unknown 1"]
    );
}

#[test]
fn records_that_are_not_decisions_are_counted_by_kind() {
    let record = |action: &str| format!(r#"{{"action_type":"{action}"}}"#);
    for (action, reason) in [
        ("session", SkipReason::Session),
        ("policy_sync", SkipReason::PolicySync),
        ("policy_action", SkipReason::PolicyAction),
        ("tool_execution", SkipReason::Execution),
        ("pii_detection", SkipReason::PiiDetection),
        ("c_score_report", SkipReason::ScoreReport),
        ("something_new", SkipReason::UnknownActionType),
        ("network_egress", SkipReason::NoRequest),
    ] {
        assert_eq!(skipped(&record(action)), [(reason, 1)], "{action}");
    }
    let other = EGRESS.replace("AUDIT_CATEGORY_EVALUATION", "AUDIT_CATEGORY_MANAGEMENT");
    assert_eq!(skipped(&other), [(SkipReason::OtherCategory, 1)]);
}

#[test]
fn the_log_of_a_sandbox_is_read() {
    let log = r#"{
        "blocked_hosts": [{"host": "evil.example.com:443", "vm_name": "v", "proxy_type": "forward", "rule": "r", "reason": "x",
            "since": "2026-11-20T00:00:00Z", "last_seen": "2026-11-22T00:00:00Z", "count_since": 7}],
        "allowed_hosts": [{"host": "api.example.com:443", "proxy_type": "transparent", "last_seen": "2026-11-22T00:00:00Z"}]
    }"#;
    assert_eq!(
        rows(log),
        [
            "tcp api.example.com:443 - - 2026-11-22 Allow 1",
            "tcp evil.example.com:443 - - 2026-11-22 Deny 7",
        ]
    );
}

#[test]
fn csv_is_read_by_the_names_of_its_columns() {
    let table = "Time,host,port,method,path,principal,decision,count,extra\n\
                 2026-11-22T00:00:00Z,api.example.com,443,GET,/x,alice,allowed,3,z\n\
                 2026-11-22T00:00:00Z,api.example.com,8080,,,bob,blocked,,\n\
                 ,2001:db8::1,443,,,,,,\n\
                 ,api.example.com,0,,,,,,\n\
                 ,,,,/data,,,,\n";
    let (rows, skipped) = imported(&[table.as_bytes()]);
    assert_eq!(
        rows,
        [
            "tcp [2001:db8::1]:443 - - - Unknown 1",
            "mount /data - - - Unknown 1",
            "tcp api.example.com:8080 bob - 2026-11-22 Deny 1",
            "get https://api.example.com/x alice - 2026-11-22 Allow 3",
        ]
    );
    assert_eq!(skipped, [(SkipReason::InvalidRequest, 1)]);
    let mut aggregator = Aggregator::new(None);
    let error = RecordReader::new(&mut aggregator).read(&b"a,b\n1,2\n"[..]);
    assert!(matches!(error, Err(ReadError::UnknownFormat)));
}

#[test]
fn gzip_and_repeated_events_are_recognized() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(EGRESS.as_bytes()).unwrap();
    let compressed = encoder.finish().unwrap();
    let (rows, skipped) = imported(&[&compressed, EGRESS.as_bytes()]);
    assert_eq!(rows.len(), 1);
    assert!(rows[0].ends_with(" Allow 1"));
    assert_eq!(skipped, [(SkipReason::Repeated, 1)]);
}

#[test]
fn hostile_records_are_counted_and_change_nothing_else() {
    let long = format!(r#"{{"action_type":"{}"}}"#, "x".repeat(10 << 20));
    let cases: &[(&str, SkipReason)] = &[
        ("{\"action_type\": 5}", SkipReason::InvalidRecord),
        (
            "{\"action_type\": \"network_egress\", \"payload\": []}",
            SkipReason::InvalidRecord,
        ),
        (
            "{\"action_type\": \"network_egress\"",
            SkipReason::InvalidJson,
        ),
        ("{]", SkipReason::InvalidJson),
        ("[1, \"x\"]", SkipReason::InvalidRecord),
        (
            r#"{"action_type":"network_egress","payload":{"protocol":"tcp"},"resource_id":"a\u001b[31m.com:443"}"#,
            SkipReason::InvalidRequest,
        ),
        (
            r#"{"action_type":"network_egress","payload":{"protocol":"tcp"},"resource_id":"a.com:99999"}"#,
            SkipReason::InvalidRequest,
        ),
        (
            r#"{"action_type":"network_egress","payload":{"protocol":"tcp"},"resource_id":"*.com:443"}"#,
            SkipReason::InvalidRequest,
        ),
        (
            r#"{"action_type":"http_request","payload":{"method":"GET","host":"a.com/x?","port":"443","path":"/"}}"#,
            SkipReason::InvalidRequest,
        ),
        (
            r#"{"action_type":"tool_invocation","resource_id":"a\nb"}"#,
            SkipReason::InvalidRequest,
        ),
        (&long, SkipReason::TooLong),
    ];
    for (text, reason) in cases {
        let input = format!("{EGRESS}\n{text}\n");
        let (rows, skipped) = imported(&[input.as_bytes()]);
        let shown: String = text.chars().take(80).collect();
        assert_eq!(rows.len(), 1, "{shown}");
        let total: u64 = skipped.iter().map(|(_, count)| count).sum();
        assert!(
            skipped.iter().any(|(known, _)| known == reason),
            "{shown}: {skipped:?}"
        );
        assert!((1..=2).contains(&total), "{shown}: {skipped:?}");
    }
    let name = EGRESS.replace("alice", "a\\u001b[31m");
    assert_eq!(skipped(&name), [(SkipReason::InvalidRecord, 1)]);
}

#[test]
fn names_are_hashed_and_files_can_be_merged() {
    let key = PrincipalKey::new(&[7; KEY_BYTES]);
    let import = |input: &[u8]| {
        let mut aggregator = Aggregator::new(Some(key.clone()));
        RecordReader::new(&mut aggregator).read(input).unwrap();
        let (header, rows) = aggregator.finish();
        let mut file = Vec::new();
        write_traffic(&mut file, &header, &rows).unwrap();
        String::from_utf8(file).unwrap()
    };
    let file = import(format!("{EGRESS}\n{{\"action_type\":\"session\"}}\n").as_bytes());
    assert!(!file.contains("alice"), "{file}");
    assert!(file.contains("\"principal\":\"hmac:"), "{file}");
    assert_eq!(
        import(file.as_bytes()),
        file,
        "a file that is imported again is the same"
    );
    let mut reader = TrafficReader::new(file.as_bytes()).unwrap();
    assert_eq!(reader.header().records, 1);
    let row = reader.next_row().unwrap().unwrap();
    assert_eq!(row.object, "api.example.com:443");
    assert!(reader.next_row().unwrap().is_none());
}

#[test]
fn the_result_does_not_depend_on_the_order_of_inputs() {
    let one = EGRESS;
    let two = EGRESS
        .replace("11111111", "33333333")
        .replace("alice", "zoe");
    let three = EGRESS
        .replace("11111111", "44444444")
        .replace("claude", "codex");
    let forwards = imported(&[one.as_bytes(), two.as_bytes(), three.as_bytes()]);
    let backwards = imported(&[three.as_bytes(), two.as_bytes(), one.as_bytes()]);
    assert_eq!(forwards, backwards);
}

#[test]
fn invalid_traffic_files_are_errors_with_the_line() {
    let error = |text: &str| match TrafficReader::new(text.as_bytes()) {
        Err(error) => error.to_string(),
        Ok(mut reader) => loop {
            match reader.next_row() {
                Err(error) => break error.to_string(),
                Ok(None) => break "no error".to_owned(),
                Ok(Some(_)) => {}
            }
        },
    };
    let header = r#"{"formatVersion":1,"names":"kept","records":0,"skipped":{}}"#;
    assert!(error("").contains("not the header"));
    assert!(error(EGRESS).contains("not the header"));
    assert!(error(&header.replace(":1,", ":9,")).contains("unsupported formatVersion 9"));
    assert!(error(&format!("{header}\n{{}}\n")).starts_with("line 2: "));
    assert_eq!(error(header), "no error");
}
