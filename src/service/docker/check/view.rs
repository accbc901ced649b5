//! Views of manifests in which every resource is parsed once.

use manifest::docker::{ActionSpec, DockerPolicyManifest, HttpResourceSpec, RuleSpec};
use manifest::list::ResourceListManifest;
use model::diag::{DocumentId, Path, Place};
use model::docker::pattern::{
    HostPattern, HttpField, HttpPattern, NetworkPattern, PathPattern, PatternError,
};
use model::docker::{Action, FileMode, Layer, Method, Transport};

/// A string and its parsed form.
pub(super) type ListEntry<'a, P> = (&'a str, Result<P, PatternError>);
/// An HTTP target and its parsed form.
pub(super) type HttpEntry<'a> = (
    &'a HttpResourceSpec,
    Result<HttpPattern, Vec<(HttpField, PatternError)>>,
);

#[derive(Debug)]
pub(super) enum Entries<'a> {
    Hosts(Vec<ListEntry<'a, NetworkPattern>>),
    Paths(Vec<ListEntry<'a, PathPattern>>),
    Http(Vec<HttpEntry<'a>>),
}

impl<'a> Entries<'a> {
    pub(super) fn hosts(texts: &'a [String]) -> Self {
        Self::Hosts(
            texts
                .iter()
                .map(|text| (text.as_str(), NetworkPattern::parse(text)))
                .collect(),
        )
    }

    pub(super) fn paths(texts: &'a [String]) -> Self {
        Self::Paths(
            texts
                .iter()
                .map(|text| (text.as_str(), PathPattern::parse(text)))
                .collect(),
        )
    }

    pub(super) fn http(targets: &'a [HttpResourceSpec]) -> Self {
        let parse = |target: &'a HttpResourceSpec| {
            let HttpResourceSpec { host, port, path } = target;
            (target, HttpPattern::parse_fields(host, *port, path))
        };
        Self::Http(targets.iter().map(parse).collect())
    }

    /// The layer of the rules that may use these entries.
    pub(super) fn layer(&self) -> Layer {
        match self {
            Self::Hosts(_) => Layer::Network,
            Self::Paths(_) => Layer::Filesystem,
            Self::Http(_) => Layer::Http,
        }
    }
}

/// The entries of one list in a manifest, with the path to it.
#[derive(Debug)]
pub(super) struct EntryGroup<'a> {
    pub(super) document: DocumentId,
    /// `None` for a ResourceList.
    pub(super) rule: Option<usize>,
    pub(super) field: &'static str,
    pub(super) entries: Entries<'a>,
}

impl EntryGroup<'_> {
    /// The path to the list. Paths are built only for diagnostics: they cost more than the checks.
    pub(super) fn path(&self) -> Path {
        let spec = Path::root().key("spec");
        match self.rule {
            Some(index) => spec.key("rules").index(index).key(self.field),
            None => spec.key(self.field),
        }
    }

    pub(super) fn place(&self, index: usize) -> Place {
        Place::value(self.document, self.path().index(index))
    }

    /// The text and the place of each valid host that satisfies `condition`, of network and HTTP
    /// entries. Places are built for these hosts only.
    pub(super) fn hosts_where(
        &self,
        condition: impl Fn(&HostPattern) -> bool,
    ) -> Vec<(&str, Place)> {
        match &self.entries {
            Entries::Hosts(entries) => entries
                .iter()
                .enumerate()
                .filter(|(_, (_, parsed))| {
                    let host = parsed.as_ref().ok().and_then(|pattern| pattern.host());
                    host.is_some_and(&condition)
                })
                .map(|(index, (text, _))| (*text, self.place(index)))
                .collect(),
            Entries::Http(entries) => entries
                .iter()
                .enumerate()
                .filter(|(_, (_, parsed))| {
                    parsed
                        .as_ref()
                        .is_ok_and(|pattern| condition(&pattern.host))
                })
                .map(|(index, (spec, _))| {
                    let path = self.path().index(index).key("host");
                    (spec.host.as_str(), Place::value(self.document, path))
                })
                .collect(),
            Entries::Paths(_) => Vec::new(),
        }
    }
}

#[derive(Debug)]
pub(super) struct RuleView<'a> {
    pub(super) document: DocumentId,
    pub(super) index: usize,
    pub(super) spec: &'a RuleSpec,
    /// The layer of all actions; `None` if there are no actions or they are mixed.
    pub(super) layer: Option<Layer>,
    /// The resources in the field that fits the layer.
    pub(super) group: Option<EntryGroup<'a>>,
}

impl<'a> RuleView<'a> {
    fn new(document: DocumentId, index: usize, spec: &'a RuleSpec) -> Self {
        let mut layers = spec.actions.iter().map(|spec| action(*spec).layer());
        let layer = layers
            .next()
            .filter(|first| layers.all(|layer| layer == *first));
        let group = |field, entries| EntryGroup {
            document,
            rule: Some(index),
            field,
            entries,
        };
        let plain = spec.resources.as_deref();
        let group = match layer {
            Some(Layer::Network) => plain.map(|texts| group("resources", Entries::hosts(texts))),
            Some(Layer::Filesystem) => plain.map(|texts| group("resources", Entries::paths(texts))),
            Some(Layer::Http) => spec
                .http_resources
                .as_deref()
                .map(|targets| group("httpResources", Entries::http(targets))),
            None => None,
        };
        Self {
            document,
            index,
            spec,
            layer,
            group,
        }
    }

    pub(super) fn path(&self) -> Path {
        Path::root().key("spec").key("rules").index(self.index)
    }

    pub(super) fn field(&self, field: &str) -> Place {
        Place::value(self.document, self.path().key(field))
    }

    pub(super) fn item(&self, field: &str, index: usize) -> Place {
        Place::value(self.document, self.path().key(field).index(index))
    }
}

#[derive(Debug)]
pub(super) struct DockerPolicyView<'a> {
    pub(super) document: DocumentId,
    pub(super) manifest: &'a DockerPolicyManifest,
    pub(super) rules: Vec<RuleView<'a>>,
}

impl<'a> DockerPolicyView<'a> {
    pub(super) fn new(document: DocumentId, manifest: &'a DockerPolicyManifest) -> Self {
        let specs = manifest.spec.rules.as_deref().unwrap_or_default();
        let rules = specs
            .iter()
            .enumerate()
            .map(|(index, spec)| RuleView::new(document, index, spec))
            .collect();
        Self {
            document,
            manifest,
            rules,
        }
    }

    pub(super) fn name_place(&self) -> Place {
        Place::value(self.document, Path::root().key("metadata").key("name"))
    }

    pub(super) fn alias_place(&self, index: usize) -> Place {
        Place::value(
            self.document,
            Path::root().key("metadata").key("aliases").index(index),
        )
    }

    pub(super) fn spec_field(&self, field: &str) -> Place {
        Place::value(self.document, Path::root().key("spec").key(field))
    }
}

#[derive(Debug)]
pub(super) struct ListView<'a> {
    pub(super) document: DocumentId,
    pub(super) manifest: &'a ResourceListManifest,
    /// Exactly one in a valid manifest.
    pub(super) groups: Vec<EntryGroup<'a>>,
}

impl<'a> ListView<'a> {
    pub(super) fn new(document: DocumentId, manifest: &'a ResourceListManifest) -> Self {
        let spec = &manifest.spec;
        let group = |field, entries| EntryGroup {
            document,
            rule: None,
            field,
            entries,
        };
        let hosts = spec
            .hosts
            .as_deref()
            .map(|texts| group("hosts", Entries::hosts(texts)));
        let paths = spec
            .paths
            .as_deref()
            .map(|texts| group("paths", Entries::paths(texts)));
        let http = spec
            .http_resources
            .as_deref()
            .map(|targets| group("httpResources", Entries::http(targets)));
        Self {
            document,
            manifest,
            groups: [hosts, paths, http].into_iter().flatten().collect(),
        }
    }

    pub(super) fn name_place(&self) -> Place {
        Place::value(self.document, Path::root().key("metadata").key("name"))
    }
}

pub(super) fn action(spec: ActionSpec) -> Action {
    match spec {
        ActionSpec::ConnectTcp => Action::Connect(Transport::Tcp),
        ActionSpec::ConnectUdp => Action::Connect(Transport::Udp),
        ActionSpec::Read => Action::File(FileMode::Read),
        ActionSpec::Write => Action::File(FileMode::Write),
        ActionSpec::RequestGet => Action::Request(Method::Get),
        ActionSpec::RequestPost => Action::Request(Method::Post),
        ActionSpec::RequestPut => Action::Request(Method::Put),
        ActionSpec::RequestDelete => Action::Request(Method::Delete),
        ActionSpec::RequestPatch => Action::Request(Method::Patch),
        ActionSpec::RequestHead => Action::Request(Method::Head),
        ActionSpec::RequestOptions => Action::Request(Method::Options),
        ActionSpec::RequestConnect => Action::Request(Method::Connect),
        ActionSpec::RequestTrace => Action::Request(Method::Trace),
    }
}
