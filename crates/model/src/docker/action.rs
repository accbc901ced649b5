//! What a rule can be about: the actions of the contract, by layer.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! texts {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $variant_doc:literal])+ $variant:ident = $text:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum $name { $($(#[doc = $variant_doc])+ #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// All values, in the contract's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The text on the wire and in manifests.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

texts! {
    /// A network action.
    Transport {
        /// Open a TCP connection.
        Tcp = "connect:tcp",
        /// Send UDP datagrams.
        Udp = "connect:udp",
    }
}

texts! {
    /// A filesystem action. A writable mount needs both.
    FileMode {
        /// Mount for reading.
        Read = "read",
        /// Mount for writing.
        Write = "write",
    }
}

texts! {
    /// An HTTP action: a request method.
    Method {
        /// GET.
        Get = "request:get",
        /// POST.
        Post = "request:post",
        /// PUT.
        Put = "request:put",
        /// DELETE.
        Delete = "request:delete",
        /// PATCH.
        Patch = "request:patch",
        /// HEAD.
        Head = "request:head",
        /// OPTIONS.
        Options = "request:options",
        /// CONNECT.
        Connect = "request:connect",
        /// TRACE.
        Trace = "request:trace",
    }
}

texts! {
    /// What all rules of one policy are about (contract: "Rules of ONE domain").
    Domain {
        /// Hosts and HTTP requests.
        Network = "network",
        /// Paths.
        Filesystem = "filesystem",
    }
}

texts! {
    /// The layer of a rule. A rule never mixes layers.
    Layer {
        /// Connections to hosts.
        Network = "network",
        /// HTTP requests.
        Http = "http",
        /// Paths.
        Filesystem = "filesystem",
    }
}

impl Layer {
    /// The domain of a policy with a rule of this layer.
    pub fn domain(self) -> Domain {
        match self {
            Self::Network | Self::Http => Domain::Network,
            Self::Filesystem => Domain::Filesystem,
        }
    }
}

/// Any action of the contract.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(untagged)]
pub enum Action {
    /// Of the network layer.
    Connect(Transport),
    /// Of the filesystem layer.
    File(FileMode),
    /// Of the HTTP layer.
    Request(Method),
}

impl Action {
    /// All actions, in the contract's order.
    pub fn all() -> impl Iterator<Item = Self> {
        let connect = Transport::ALL.iter().map(|action| Self::Connect(*action));
        let file = FileMode::ALL.iter().map(|action| Self::File(*action));
        let request = Method::ALL.iter().map(|action| Self::Request(*action));
        connect.chain(file).chain(request)
    }

    /// The text on the wire and in manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect(action) => action.as_str(),
            Self::File(action) => action.as_str(),
            Self::Request(action) => action.as_str(),
        }
    }

    /// The layer that the action belongs to.
    pub fn layer(self) -> Layer {
        match self {
            Self::Connect(_) => Layer::Network,
            Self::File(_) => Layer::Filesystem,
            Self::Request(_) => Layer::Http,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no action of the contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an action that this version knows")]
pub struct UnknownAction(String);

impl FromStr for Action {
    type Err = UnknownAction;
    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        Self::all()
            .find(|action| action.as_str() == text)
            .ok_or_else(|| UnknownAction(text.to_owned()))
    }
}
