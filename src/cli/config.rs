//! `polwarden config`: the effective settings and their sources.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::console::Console;
use super::directory;
use super::error::CommandResult;
use super::exit::Exit;
use super::format::DataFormat;
use super::tree::RevisionArgs;
use super::workspace::{Project, TargetSelection};
use crate::plan::SourceRef;
use crate::render::config_view::{self, Setting, SettingSource};
use crate::service::registry::{self, EndpointSource};
use model::diag::{DocumentId, Path, PathSegment, Place, SourceMap};

/// Variables that are read in every command, with what they are for.
const VARIABLES: [&str; 9] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "NO_COLOR",
    "CI",
];

/// Show the effective configuration.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden config view
  polwarden config view --format json")]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    View(ViewArgs),
}

/// Show the effective settings and where each comes from.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden config view
  polwarden config view --at origin/main
  polwarden config view -o json")]
struct ViewArgs {
    #[arg(help_heading = "Connection", long = "endpoint", value_name = "PROVIDER=URL|embedded", help = registry::ENDPOINT_HELP, long_help = registry::ENDPOINT_LONG_HELP)]
    endpoints: Vec<String>,
    #[command(flatten)]
    at: RevisionArgs,
    #[command(flatten)]
    format: DataFormat,
}

impl ConfigArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// The configuration is missing or invalid.
    pub(super) fn run(self, console: Console) -> CommandResult {
        let ConfigCommand::View(view) = self.command;
        view.run(console)
    }
}

impl ViewArgs {
    fn run(self, console: Console) -> CommandResult {
        directory::enter_project()?;
        let project = Project::open(&TargetSelection::default(), &self.at)?;
        let mut settings = file_settings(&project)?;
        settings.extend(self.service_settings(&project)?);
        settings.extend(VARIABLES.iter().filter_map(|name| variable(name)));
        if self.format.is_json() {
            console.print(&config_view::json(settings)?)?;
        } else {
            console.print(&config_view::human(&settings))?;
        }
        Ok(Exit::Done)
    }

    /// The endpoint and the credentials of each service that a target is at.
    fn service_settings(&self, project: &Project) -> CommandResult<Vec<Setting>> {
        let mut settings = Vec::new();
        for service in registry::SERVICES {
            let targets = project.targets();
            if targets
                .iter()
                .all(|target| target.provider() != service.provider)
            {
                continue;
            }
            let provider = service.provider.as_str();
            let (endpoint, source) = registry::endpoint_choice(&self.endpoints, service.provider)?;
            settings.push(Setting {
                key: format!("services.{provider}.endpoint"),
                value: endpoint.into(),
                source: match source {
                    EndpointSource::Option => SettingSource::Option {
                        option: "--endpoint".to_owned(),
                    },
                    EndpointSource::Variable(name) => SettingSource::Variable {
                        variable: name.to_owned(),
                    },
                    EndpointSource::Default => SettingSource::Default,
                },
            });
            for name in service.credential_variables {
                let is_set = is_set(name);
                settings.push(Setting {
                    key: format!("services.{provider}.credentials.{name}"),
                    value: if is_set { "(set)" } else { "(not set)" }.into(),
                    source: if is_set {
                        SettingSource::Variable {
                            variable: (*name).to_owned(),
                        }
                    } else {
                        SettingSource::Default
                    },
                });
            }
        }
        Ok(settings)
    }
}

/// Whether a variable has a value. White space is none.
fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.to_string_lossy().trim().is_empty())
}

/// A variable that is set. Its value may contain a password, so it is not shown.
fn variable(name: &str) -> Option<Setting> {
    is_set(name).then(|| Setting {
        key: format!("environment.{name}"),
        value: "(set)".into(),
        source: SettingSource::Variable {
            variable: name.to_owned(),
        },
    })
}

/// The settings of the configuration file, with defaults.
fn file_settings(project: &Project) -> CommandResult<Vec<Setting>> {
    let (sources, document) = project.source();
    let effective = serde_json::to_value(project.config())?;
    let mut settings = Vec::new();
    let written = Written::of(sources, document);
    written.collect(&effective, &Path::root(), "", &mut settings);
    if project.config().apply.branch.is_none() {
        settings.push(Setting {
            key: "apply.branch".to_owned(),
            value: "(not set)".into(),
            source: SettingSource::Default,
        });
    }
    Ok(settings)
}

/// The configuration as it is written.
struct Written<'a> {
    sources: &'a SourceMap,
    document: DocumentId,
    values: serde_yaml::Value,
}

impl<'a> Written<'a> {
    fn of(sources: &'a SourceMap, document: DocumentId) -> Self {
        let text = sources.file(document.file).text();
        Self {
            sources,
            document,
            // The configuration was parsed before; a value that is not found counts as a default.
            values: serde_yaml::from_str(text).unwrap_or_default(),
        }
    }

    fn contains(&self, path: &Path) -> bool {
        let mut value = Some(&self.values);
        for segment in path.segments() {
            value = match segment {
                PathSegment::Key(key) => value.and_then(|value| value.get(key.as_str())),
                PathSegment::Index(index) => value.and_then(|value| value.get(*index)),
            };
        }
        value.is_some()
    }

    /// Adds the scalars and lists below a value; `key` is the path in words.
    fn collect(&self, value: &Value, path: &Path, key: &str, settings: &mut Vec<Setting>) {
        let is_list_of_mappings =
            |items: &[Value]| !items.is_empty() && items.iter().all(Value::is_object);
        match value {
            Value::Object(fields) => {
                for (name, inner) in fields {
                    let below = if key.is_empty() {
                        name.clone()
                    } else {
                        format!("{key}.{name}")
                    };
                    self.collect(inner, &path.clone().key(name), &below, settings);
                }
            }
            Value::Array(items) if is_list_of_mappings(items) => {
                for (index, inner) in items.iter().enumerate() {
                    let below = format!("{key}[{index}]");
                    self.collect(inner, &path.clone().index(index), &below, settings);
                }
            }
            _ => {
                let source = if self.contains(path) {
                    let place = Place::value(self.document, path.clone());
                    let SourceRef { file, line } = SourceRef::locate(self.sources, &place);
                    SettingSource::File { file, line }
                } else {
                    SettingSource::Default
                };
                settings.push(Setting {
                    key: key.to_owned(),
                    value: value.clone(),
                    source,
                });
            }
        }
    }
}
