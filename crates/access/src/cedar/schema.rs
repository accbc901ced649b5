//! Docker's Cedar schema for MCP: the namespace `MCP`.
//!
//! The schema is written as tables, because both the evaluation and the checks of a text need it, and
//! because a Cedar schema cannot describe the arguments of a call, which are any object.

/// The namespace of all entity types.
pub const NAMESPACE: &str = "MCP";
/// The type of actions.
pub const ACTION: &str = "MCP::Action";
/// The annotation that asks for an approval. No other name counts.
pub const APPROVAL: &str = "requireApproval";

/// An action that policies decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum McpAction {
    /// The registration of a server, decided on the server.
    Register,
    /// A call of a tool of a server.
    InvokeTool,
    /// A call of a tool of the gateway itself.
    InvokePrimordial,
    /// A read of a resource of a server.
    ReadResource,
    /// The retrieval of a prompt of a server.
    GetPrompt,
}

/// Actions of the schema that no policy decides.
pub const NEVER_GATED: [&str; 3] = ["listTools", "listResources", "subscribeResource"];

/// The type of an entity that an action is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ResourceType {
    /// `MCP::Server`, by its registered name.
    Server,
    /// `MCP::Tool`, by its name without the server.
    Tool,
    /// `MCP::Resource`, by its URI.
    Resource,
    /// `MCP::Prompt`, by its name.
    Prompt,
    /// `MCP::Primordial`, by its name.
    Primordial,
}

/// The type of an attribute, with the value that it has if nothing declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeType {
    /// The name of the entity, as a string.
    Identity,
    /// A string.
    String,
    /// A truth value. Without a default, the value is not known.
    Bool(Option<bool>),
    /// A set of strings.
    Strings,
}

/// An attribute of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// Its name in Cedar.
    pub name: &'static str,
    /// Its type.
    pub kind: AttributeType,
}

/// The values of `type` of a server (contract: MCP, "Resources").
pub const SERVER_TYPES: [&str; 4] = [
    "local-stdio",
    "container-stdio",
    "remote-dcr",
    "remote-no-dcr",
];

const fn attribute(name: &'static str, kind: AttributeType) -> Attribute {
    Attribute { name, kind }
}

const SERVER: [Attribute; 6] = [
    attribute("identityURL", AttributeType::String),
    attribute("type", AttributeType::String),
    attribute("requiresOAuth", AttributeType::Bool(None)),
    attribute("requiresNetwork", AttributeType::Bool(None)),
    attribute("command", AttributeType::String),
    attribute("args", AttributeType::Strings),
];

const TOOL: [Attribute; 5] = [
    attribute("name", AttributeType::Identity),
    attribute("readOnly", AttributeType::Bool(Some(false))),
    attribute("destructive", AttributeType::Bool(Some(true))),
    attribute("idempotent", AttributeType::Bool(Some(false))),
    attribute("openWorld", AttributeType::Bool(Some(true))),
];

const RESOURCE: [Attribute; 1] = [attribute("uri", AttributeType::Identity)];
const PROMPT: [Attribute; 1] = [attribute("name", AttributeType::Identity)];

/// The fields of the context.
pub const CONTEXT: [&str; 2] = [REQUEST_TIME, ARGS];
/// The time of a request; absent in registrations.
pub const REQUEST_TIME: &str = "request_time";
/// The arguments of a call; absent if they are not available.
pub const ARGS: &str = "args";

impl McpAction {
    /// All actions that policies decide.
    pub const ALL: [Self; 5] = [
        Self::Register,
        Self::InvokeTool,
        Self::InvokePrimordial,
        Self::ReadResource,
        Self::GetPrompt,
    ];

    /// The name in Cedar.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::InvokeTool => "invokeTool",
            Self::InvokePrimordial => "invokePrimordial",
            Self::ReadResource => "readResource",
            Self::GetPrompt => "getPrompt",
        }
    }

    /// The action with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }

    /// The type of the resource that the action is decided on.
    pub fn resource(self) -> ResourceType {
        match self {
            Self::Register => ResourceType::Server,
            Self::InvokeTool => ResourceType::Tool,
            Self::InvokePrimordial => ResourceType::Primordial,
            Self::ReadResource => ResourceType::Resource,
            Self::GetPrompt => ResourceType::Prompt,
        }
    }

    /// Whether requests have this field of the context.
    pub fn has_context(self, field: &str) -> bool {
        match field {
            REQUEST_TIME => self != Self::Register,
            ARGS => matches!(self, Self::InvokeTool | Self::InvokePrimordial),
            _ => false,
        }
    }
}

impl ResourceType {
    /// All types.
    pub const ALL: [Self; 5] = [
        Self::Server,
        Self::Tool,
        Self::Resource,
        Self::Prompt,
        Self::Primordial,
    ];

    /// The name in Cedar.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "MCP::Server",
            Self::Tool => "MCP::Tool",
            Self::Resource => "MCP::Resource",
            Self::Prompt => "MCP::Prompt",
            Self::Primordial => "MCP::Primordial",
        }
    }

    /// The attributes.
    pub fn attributes(self) -> &'static [Attribute] {
        match self {
            Self::Server => &SERVER,
            Self::Tool => &TOOL,
            Self::Resource => &RESOURCE,
            Self::Prompt => &PROMPT,
            Self::Primordial => &[],
        }
    }

    /// The attribute with this name.
    pub fn attribute(self, name: &str) -> Option<Attribute> {
        self.attributes()
            .iter()
            .find(|known| known.name == name)
            .copied()
    }

    /// Whether the entity is a child of its server.
    pub fn has_server(self) -> bool {
        matches!(self, Self::Tool | Self::Resource | Self::Prompt)
    }
}
