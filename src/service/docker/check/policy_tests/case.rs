use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::template::{Matrix, StrayBrace, Template};
use crate::service::docker::check::rules::{names, teams};
use crate::service::docker::check::teams::{TeamDirectory, TeamResolution};
use crate::service::invalid::InvalidManifests;
use access::{
    AccessQuestion, Audience, CedarRequestContext, CedarRequestError, Expectation,
    LONGEST_QUESTION, NO_PRINCIPAL, Outcome, QuestionError,
};
use manifest::config::Target;
use manifest::test::{CaseSpec, McpSpec, PolicyTestManifest, TestAudienceSpec};
use model::diag::{Code, Diagnostic, DocumentId, Path, Place, did_you_mean};

#[derive(Debug, Clone, Default)]
pub struct CheckedTests {
    /// In the order of the documents. Invalid ones are missing, and so are audiences with a team
    /// that only the server can confirm.
    pub expectations: Vec<Expectation>,
    /// By document.
    pub diagnostics: Vec<Diagnostic>,
}

pub(super) fn path(index: usize) -> Path {
    Path::root().key("spec").key("cases").index(index)
}

/// A case with its parsed requests.
pub(super) struct PolicyTestCase<'a> {
    document: DocumentId,
    index: usize,
    test: Arc<str>,
    spec: &'a CaseSpec,
    requests: Vec<CaseRequest<'a>>,
}

struct CaseRequest<'a> {
    expected: Outcome,
    index: usize,
    text: &'a str,
    template: Result<Template<'a>, StrayBrace>,
}

impl CaseRequest<'_> {
    fn field(&self) -> &'static str {
        match self.expected {
            Outcome::Allow => "allow",
            Outcome::Approval => "approval",
            Outcome::Deny => "deny",
        }
    }

    /// What the policies must do with the request.
    fn demand(&self) -> &'static str {
        match self.expected {
            Outcome::Allow => "must be allowed",
            Outcome::Approval => "must need an approval",
            Outcome::Deny => "must be denied",
        }
    }
}

/// An audience: team ids, and the names that the test uses for them.
struct CaseAudience {
    audience: Arc<Audience>,
    called: Arc<Audience>,
}

impl<'a> PolicyTestCase<'a> {
    pub(super) fn all(
        document: DocumentId,
        test: &'a PolicyTestManifest,
    ) -> impl Iterator<Item = Self> {
        let name: Arc<str> = test.metadata.name.as_str().into();
        test.spec
            .cases
            .iter()
            .enumerate()
            .map(move |(index, spec)| {
                let lists = [
                    (Outcome::Allow, &spec.allow),
                    (Outcome::Approval, &spec.approval),
                    (Outcome::Deny, &spec.deny),
                ];
                let requests = lists.into_iter().flat_map(|(expected, list)| {
                    list.iter().flatten().enumerate().map(move |(index, text)| {
                        let template = Template::parse(text);
                        CaseRequest {
                            expected,
                            index,
                            text,
                            template,
                        }
                    })
                });
                Self {
                    document,
                    index,
                    test: Arc::clone(&name),
                    spec,
                    requests: requests.collect(),
                }
            })
    }

    /// The number of requests, including all combinations and audiences.
    pub(super) fn count(&self) -> u64 {
        let no_matrix = Matrix::new();
        let matrix = self.spec.matrix.as_ref().unwrap_or(&no_matrix);
        let askers =
            u64::try_from(self.spec.audiences.as_ref().map_or(1, Vec::len)).unwrap_or(u64::MAX);
        let templates = self
            .requests
            .iter()
            .filter_map(|asked| asked.template.as_ref().ok());
        let texts = templates.fold(0, |sum: u64, template| {
            sum.saturating_add(template.count(matrix))
        });
        texts.saturating_mul(askers)
    }

    /// Adds the requests of the case, and diagnostics for what is invalid.
    pub(super) fn check(
        &self,
        target: &Target,
        teams: &TeamDirectory<'_>,
        invalid: &InvalidManifests<'_>,
        checked: &mut CheckedTests,
    ) {
        let found = &mut checked.diagnostics;
        let is_valid = |field: &str| !invalid.affects(self.document, &self.path().key(field));
        let requests_are_valid = is_valid("allow") && is_valid("approval") && is_valid("deny");
        if requests_are_valid && !invalid.has_unknown_fields(self.document, &self.path()) {
            self.check_shape(found);
        }
        let askers = self.case_audiences(target, teams, found);
        self.check_matrix(requests_are_valid, found);
        let Some(circumstances) = self.request_context(found) else {
            return;
        };
        let no_matrix = Matrix::new();
        let matrix = self.spec.matrix.as_ref().unwrap_or(&no_matrix);
        // Without a valid matrix, the values of placeholders are unknown.
        let has_matrix = is_valid("matrix");
        let case: Arc<str> = self.spec.name.as_str().into();
        let mut seen: HashMap<String, &CaseRequest<'_>> = HashMap::new();
        for asked in &self.requests {
            let mut told = false;
            if !has_matrix
                && asked
                    .template
                    .as_ref()
                    .is_ok_and(|template| !template.placeholders().is_empty())
            {
                continue;
            }
            for question in self.questions(asked, matrix, &circumstances, found) {
                match seen.get(&question.to_string()) {
                    // Report a string once, however many requests it expands to.
                    Some(first) if !told => {
                        told = true;
                        found.push(self.again(&question, first, asked));
                    }
                    Some(_) => {}
                    None => {
                        seen.insert(question.to_string(), asked);
                    }
                }
                checked.expectations.extend(askers.iter().map(
                    |CaseAudience { audience, called }| Expectation {
                        test: Arc::clone(&self.test),
                        case: Arc::clone(&case),
                        audience: Arc::clone(audience),
                        called: Arc::clone(called),
                        question: question.clone(),
                        expected: asked.expected,
                        place: self.place(asked),
                    },
                ));
            }
        }
    }

    fn path(&self) -> Path {
        path(self.index)
    }

    fn place(&self, asked: &CaseRequest<'_>) -> Place {
        Place::value(
            self.document,
            self.path().key(asked.field()).index(asked.index),
        )
    }

    fn check_shape(&self, found: &mut Vec<Diagnostic>) {
        if self.requests.is_empty() {
            let message = format!("the case `{}` asks nothing", self.spec.name);
            let place = Place::value(self.document, self.path().key("name"));
            let help = "add `allow`, `approval` or `deny` with at least one request";
            found.push(
                Diagnostic::new(Code::EmptyList, message, place)
                    .label("empty")
                    .help(help),
            );
        }
        if self.spec.audience.is_some() && self.spec.audiences.is_some() {
            let place = |field: &str| Place::key(self.document, self.path().key(field));
            let message = format!("the case `{}` says twice who asks", self.spec.name);
            found.push(
                Diagnostic::new(Code::ExactlyOne, message, place("audiences"))
                    .label("several")
                    .also(place("audience"), "and one")
                    .help("keep `audience` or `audiences`"),
            );
        }
    }

    /// The audiences. One with an unknown team is skipped.
    fn case_audiences(
        &self,
        target: &Target,
        teams: &TeamDirectory<'_>,
        found: &mut Vec<Diagnostic>,
    ) -> Vec<CaseAudience> {
        if let Some(audiences) = &self.spec.audiences {
            let way = |index| self.path().key("audiences").index(index);
            let each = audiences.iter().enumerate();
            return each
                .filter_map(|(index, spec)| {
                    self.case_audience(spec, &way(index), target, teams, found)
                })
                .collect();
        }
        let nobody = TestAudienceSpec::default();
        let spec = self.spec.audience.as_ref().unwrap_or(&nobody);
        self.case_audience(spec, &self.path().key("audience"), target, teams, found)
            .into_iter()
            .collect()
    }

    fn case_audience(
        &self,
        spec: &TestAudienceSpec,
        way: &Path,
        target: &Target,
        teams: &TeamDirectory<'_>,
        found: &mut Vec<Diagnostic>,
    ) -> Option<CaseAudience> {
        let TestAudienceSpec {
            teams: named,
            profiles,
        } = spec;
        let item =
            |field: &str, index| Place::value(self.document, way.clone().key(field).index(index));
        let mut ids = BTreeSet::new();
        let mut known = true;
        for (index, team) in named.iter().flatten().enumerate() {
            match teams.resolve(team) {
                TeamResolution::Team(id) => {
                    ids.insert(id.to_string());
                }
                unresolved @ (TeamResolution::Unverified(_)
                | TeamResolution::Unknown(_)
                | TeamResolution::Ambiguous(_)
                | TeamResolution::BadAlias) => {
                    known = false;
                    found.extend(teams::finding(
                        target,
                        team,
                        unresolved,
                        item("teams", index),
                    ));
                }
            }
        }
        if profiles.is_some()
            && let Some(profile) = target
                .profile()
                .filter(|profile| !profile.has_scope_profiles())
        {
            let message =
                format!("the profile `{profile}` of the service has no profiles of people");
            let place = Place::key(self.document, way.clone().key("profiles"));
            let help = "name teams in `teams` instead; only the profile `seed` has profiles";
            found.push(Diagnostic::new(Code::ProfileLacks, message, place).help(help));
        }
        for (index, profile) in profiles.iter().flatten().enumerate() {
            names::check_name(profile, || item("profiles", index), found);
        }
        let profiles: BTreeSet<String> = profiles.iter().flatten().cloned().collect();
        let called = Audience {
            teams: named.iter().flatten().cloned().collect(),
            profiles: profiles.clone(),
        };
        known.then(|| CaseAudience {
            audience: Arc::new(Audience {
                teams: ids,
                profiles,
            }),
            called: Arc::new(called),
        })
    }

    fn check_matrix(&self, requests_are_valid: bool, found: &mut Vec<Diagnostic>) {
        let Some(matrix) = &self.spec.matrix else {
            return;
        };
        let place = |key: &str| Place::key(self.document, self.path().key("matrix").key(key));
        let templates = || {
            self.requests
                .iter()
                .filter_map(|asked| asked.template.as_ref().ok())
        };
        let used: BTreeSet<&str> = templates().flat_map(Template::placeholders).collect();
        for (key, values) in matrix {
            if values.is_empty() {
                let message = format!("the key `{key}` of the matrix has no values");
                let help = "name at least one value: without one, nothing would be asked";
                found.push(
                    Diagnostic::new(Code::EmptyList, message, place(key))
                        .label("empty")
                        .help(help),
                );
            }
            if requests_are_valid && !used.contains(key.as_str()) {
                let message = format!("no request of the case uses `{{{key}}}`");
                let help = format!("write `{{{key}}}` into a request, or remove the key");
                found.push(Diagnostic::new(Code::MatrixUnused, message, place(key)).help(help));
            }
        }
    }

    /// What MCP requests give, or nothing if it is invalid.
    fn request_context(&self, found: &mut Vec<Diagnostic>) -> Option<CedarRequestContext> {
        let Some(spec) = &self.spec.mcp else {
            return Some(CedarRequestContext::default());
        };
        let McpSpec {
            server,
            attributes,
            args,
            principal,
            context,
        } = spec;
        if principal.is_some() {
            let place = Place::key(self.document, self.path().key("mcp").key("principal"));
            let message = "an MCP request has no principal";
            let finding = Diagnostic::new(Code::RequestInvalid, message, place);
            found.push(finding.help(NO_PRINCIPAL));
            return None;
        }
        let mut given = CedarRequestContext::default();
        if let Some(server) = server {
            given = given.with_server(server);
        }
        if let Some(attributes) = attributes {
            given = given.with_attributes(attributes);
        }
        if let Some(arguments) = args {
            given = given.with_arguments(arguments);
        }
        let Some(json) = context else {
            return Some(given);
        };
        match given.with_context(json) {
            Ok(given) => Some(given),
            Err(error) => {
                let place = Place::value(self.document, self.path().key("mcp").key("context"));
                let finding = Diagnostic::new(Code::RequestInvalid, error.to_string(), place);
                found.push(finding.help("see docs/reference/testing.md for the fields of `mcp`"));
                None
            }
        }
    }

    /// The requests of one string. An invalid string is reported once, however many requests it
    /// expands to.
    fn questions(
        &self,
        asked: &CaseRequest<'_>,
        matrix: &Matrix,
        circumstances: &CedarRequestContext,
        found: &mut Vec<Diagnostic>,
    ) -> Vec<AccessQuestion> {
        let template = match &asked.template {
            Ok(template) => template,
            Err(StrayBrace(brace)) => {
                let message = format!("a `{brace}` that is part of no placeholder");
                let help = format!(
                    "a placeholder reads `{{name}}`; write `{brace}{brace}` for the character itself"
                );
                found.push(
                    Diagnostic::new(Code::PlaceholderInvalid, message, self.place(asked))
                        .help(help),
                );
                return Vec::new();
            }
        };
        if let Some(name) = template
            .placeholders()
            .into_iter()
            .find(|name| !matrix.contains_key(*name))
        {
            let message = format!("the matrix of the case has no key `{name}`");
            let near = did_you_mean(matrix.keys().map(String::as_str), name);
            let help = match near {
                Some(like) => format!("did you mean `{{{like}}}`?"),
                None => format!(
                    "add `{name}: [...]` to `matrix`, or write `{{{{` for the character `{{`"
                ),
            };
            let replaced = near.map(|near| {
                asked
                    .text
                    .replace(&format!("{{{name}}}"), &format!("{{{near}}}"))
            });
            found.push(
                Diagnostic::new(Code::PlaceholderInvalid, message, self.place(asked))
                    .help(help)
                    .suggest_similar(replaced.as_deref()),
            );
            return Vec::new();
        }
        let mut questions = Vec::new();
        for text in template.expand(matrix) {
            match AccessQuestion::parse(&text, circumstances) {
                Ok(AccessQuestion::Rules(_)) if asked.expected == Outcome::Approval => {
                    let message = "rules never require an approval";
                    let finding = Diagnostic::new(Code::RequestInvalid, message, self.place(asked));
                    found.push(finding.help("list only `mcp` requests under `approval`"));
                    return Vec::new();
                }
                Ok(question) => questions.push(question),
                // What all requests of the case share is reported once, where it is.
                Err(QuestionError::Cedar(CedarRequestError::Circumstance { field, why })) => {
                    let place = Place::value(self.document, self.path().key("mcp").key(field));
                    let finding = Diagnostic::new(Code::RequestInvalid, why, place)
                        .help("see docs/reference/testing.md for the fields of `mcp`");
                    let primary = finding.labels.first().cloned();
                    let is_new = |known: &Diagnostic| {
                        known.message != finding.message || known.labels.first() != primary.as_ref()
                    };
                    if found.iter().all(is_new) {
                        found.push(finding);
                    }
                    return Vec::new();
                }
                Err(error) => {
                    let finding =
                        Diagnostic::new(Code::RequestInvalid, error.to_string(), self.place(asked));
                    // Quote the expanded text only if placeholders changed it, and only if it is
                    // short.
                    let plain = text == asked.text || text.len() > LONGEST_QUESTION;
                    let label = if plain {
                        String::new()
                    } else {
                        format!("as `{text}`")
                    };
                    let help = "a request reads `tcp api.example.com:443`, `get https://api.example.com/path`, \
                                `read /data/x` or `mcp invokeTool restart_runner`";
                    found.push(finding.label(label).help(help));
                    return Vec::new();
                }
            }
        }
        questions
    }

    /// Reports a request that is asked twice.
    fn again(
        &self,
        question: &AccessQuestion,
        first: &CaseRequest<'_>,
        asked: &CaseRequest<'_>,
    ) -> Diagnostic {
        let here = self.place(asked);
        let there = self.place(first);
        if first.expected == asked.expected {
            return Diagnostic::new(
                Code::DuplicateValue,
                format!("`{question}` is asked twice in the case"),
                here,
            )
            .label("again here")
            .also(there, "first here")
            .help("remove one of them");
        }
        Diagnostic::new(
            Code::TestContradiction,
            format!(
                "`{question}` {} and {}",
                first.demand(),
                asked.demand().trim_start_matches("must ")
            ),
            here,
        )
        .label(asked.demand())
        .also(there, first.demand())
        .help("keep one of the two: no policy can be right for both")
    }
}
