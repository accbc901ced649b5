//! Names of services: texts that were checked once, when they came in.

/// Makes a type of the texts that a function, given the text and what more it takes, does not refuse.
macro_rules! checked_text {
    ($(#[doc = $doc:literal])+ $name:ident, $error:ident, $check:ident $(, $more:expr)?) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Checks a text.
            ///
            /// # Errors
            /// Says what keeps the service from taking it.
            pub fn new(text: &str) -> Result<Self, $error> {
                $check(text $(, $more)?)?;
                Ok(Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, $error> {
                Self::new(&text)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(super) use checked_text;
