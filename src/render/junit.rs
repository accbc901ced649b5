//! Renders diagnostics, plans and drift as JUnit XML. The attribute `file` is a path from the root of
//! the repository, because GitLab makes it a link.

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::annotations::{Annotation, AnnotationLevel, PackDiagnostics, RepositoryPrefix};
use super::plan::wording::gate_text;
use super::text::{count_of, neutral_xml, neutral_xml_lines};
use crate::plan::{DriftReport, Plan};

/// One test case per diagnostic, and one per file without diagnostics. The output contains no
/// times, so equal runs produce equal output.
///
/// # Errors
/// The text cannot be written, which does not happen in memory.
pub fn diagnostics(
    command: &str,
    findings: &PackDiagnostics,
    prefix: &RepositoryPrefix,
) -> Result<String, SerializeError> {
    let mut xml = Report::new(format!("polwarden {command}"));
    xml.add_test_suite(manifests(findings, prefix));
    xml.to_string()
}

/// A plan: the files as in [`diagnostics`], and one suite per target with a test case for each gate
/// and for each diagnostic of the plan. There are no targets if errors prevented the plan.
///
/// # Errors
/// The text cannot be written, which does not happen in memory.
pub fn plan(
    plan: Option<&Plan>,
    findings: &PackDiagnostics,
    prefix: &RepositoryPrefix,
) -> Result<String, SerializeError> {
    let mut xml = Report::new("polwarden plan");
    xml.add_test_suite(manifests(findings, prefix));
    for target in plan.into_iter().flat_map(|plan| &plan.targets) {
        let name = neutral_xml(&target.target.name);
        let mut suite = TestSuite::new(name.clone());
        let mut made = TestCase::new("plan", TestCaseStatus::success());
        made.set_classname(name.clone());
        made.set_system_out(neutral_xml_lines(&format!(
            "{} to make",
            count_of(target.calls.len(), "call")
        )));
        suite.add_test_case(made);
        for outcome in target.gates.iter().filter(|outcome| outcome.passes()) {
            let mut case = TestCase::new(
                neutral_xml(&gate_text(&outcome.gate).to_string()),
                TestCaseStatus::success(),
            );
            case.set_classname(name.clone());
            suite.add_test_case(case);
        }
        suite.add_test_cases(of_target(findings, &target.target.name, prefix));
        xml.add_test_suite(suite);
    }
    xml.to_string()
}

/// Drift: the files as in [`diagnostics`], and one suite per target, which fails if the target
/// drifted.
///
/// # Errors
/// The text cannot be written, which does not happen in memory.
pub fn drift(
    report: Option<&DriftReport>,
    findings: &PackDiagnostics,
    prefix: &RepositoryPrefix,
) -> Result<String, SerializeError> {
    let mut xml = Report::new("polwarden drift");
    xml.add_test_suite(manifests(findings, prefix));
    for target in report.into_iter().flat_map(|report| &report.targets) {
        let name = neutral_xml(&target.target.name);
        let mut suite = TestSuite::new(name.clone());
        let mut read = TestCase::new("read", TestCaseStatus::success());
        read.set_classname(name);
        suite.add_test_case(read);
        suite.add_test_cases(of_target(findings, &target.target.name, prefix));
        xml.add_test_suite(suite);
    }
    xml.to_string()
}

fn of_target<'f>(
    findings: &'f PackDiagnostics,
    target: &str,
    prefix: &'f RepositoryPrefix,
) -> impl Iterator<Item = TestCase> + use<'f> {
    let name = super::text::neutral(target).into_owned();
    let own = move |finding: &&Annotation| finding.target.as_deref() == Some(name.as_str());
    let findings = findings.list().iter().filter(own);
    findings.map(|finding| case(finding, prefix))
}

fn manifests(findings: &PackDiagnostics, prefix: &RepositoryPrefix) -> TestSuite {
    let mut suite = TestSuite::new("manifests");
    let of_files = || {
        findings
            .list()
            .iter()
            .filter(|finding| finding.target.is_none())
    };
    for file in findings.files() {
        if !of_files().any(|finding| finding.spot.as_ref().is_some_and(|spot| spot.file == *file)) {
            let mut clean = TestCase::new(neutral_xml(file), TestCaseStatus::success());
            clean.set_classname("manifests");
            suite.add_test_case(clean);
        }
    }
    suite.add_test_cases(of_files().map(|finding| case(finding, prefix)));
    suite
}

/// Errors fail. Warnings and notices succeed with output, because JUnit has no warnings.
fn case(finding: &Annotation, prefix: &RepositoryPrefix) -> TestCase {
    let Annotation {
        rule,
        weight,
        message,
        help,
        spot,
        related,
        target,
        ..
    } = finding;
    let place = finding.place();
    let mut lines = vec![message.clone()];
    lines.extend(place.clone());
    lines.extend(
        related
            .iter()
            .map(|related| format!("{}: {}", related.spot.text(), related.text)),
    );
    lines.extend(help.as_ref().map(|help| format!("help: {help}")));
    let text = neutral_xml_lines(&lines.join("\n"));
    let name = match &place {
        Some(place) => format!("{rule}: {place}", rule = rule.as_str()),
        None => format!("{}: {message}", rule.as_str()),
    };
    let mut case = if *weight == AnnotationLevel::Error {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status
            .set_type(rule.as_str())
            .set_message(neutral_xml(message))
            .set_description(text);
        TestCase::new(neutral_xml(&name), status)
    } else {
        let mut case = TestCase::new(neutral_xml(&name), TestCaseStatus::success());
        case.set_system_out(text);
        case
    };
    case.set_classname(neutral_xml(target.as_deref().unwrap_or("manifests")));
    if let Some(spot) = spot {
        case.extra
            .insert("file".into(), neutral_xml(&prefix.file(&spot.file)).into());
        if let Some(lines) = spot.lines {
            case.extra
                .insert("line".into(), lines.first.to_string().into());
        }
    }
    case
}
