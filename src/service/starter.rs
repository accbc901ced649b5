//! The first files of a repository, which differ from service to service.

/// A file with its path relative to the configuration.
#[derive(Debug)]
pub struct StarterFile {
    pub path: &'static str,
    pub text: &'static str,
}

/// What `init` writes for a service.
#[derive(Debug)]
pub struct Starter {
    /// The settings of the target, as indented lines of `polwarden.yaml`.
    pub settings: &'static str,
    /// A sample for a new organization. Deleting it leaves a working repository, except that a folder without any
    /// manifest is an error.
    pub samples: &'static [StarterFile],
    /// Why existing objects cannot be imported all at once, if they cannot.
    pub not_listed: Option<&'static str>,
    /// The environment variables with the credentials, for people.
    pub credentials: &'static str,
    /// The lines of a GitHub workflow that give an account to the action. `{ACCOUNT}` is READ or WRITE.
    pub workflow_credentials: &'static str,
}
