//! Applying merged changes: requirements for the commit, in a pipeline and by options.

mod audit;
mod branches;
mod files;
mod saved;
mod signed;
mod told;

use git2::{Oid, Repository, RepositoryInitOptions, Signature};

use super::sandbox::{Ran, Sandbox, config, policy, tcp};

/// The configuration of pipelines.
const MAIN: &str = "apply: {branch: main}\n";

const APPLY: &[&str] = &["apply", "--endpoint=docker=embedded", "--auto-approve"];

/// A repository with a policy that is committed on `main`; nothing is live.
struct Site {
    sandbox: Sandbox,
    repository: Repository,
}

impl Site {
    fn new(apply: &str) -> Self {
        let sandbox = Sandbox::empty();
        sandbox.write("polwarden.yaml", config("") + apply);
        sandbox.write(".gitignore", ".polwarden/\n*.ignored.*\n");
        let mut options = RepositoryInitOptions::new();
        let repository =
            Repository::init_opts(sandbox.path("."), options.initial_head("main")).unwrap();
        let site = Self {
            sandbox,
            repository,
        };
        site.allow("a");
        site.commit();
        site
    }

    /// The same in a pipeline.
    fn in_pipeline(apply: &str) -> Self {
        let mut site = Self::new(apply);
        site.sandbox.set("CI", "true");
        site
    }

    /// Writes the policy so that it allows one host.
    fn allow(&self, host: &str) {
        let rules = tcp("a", "allow", &format!("{host}.example.com"));
        self.sandbox
            .write("policies/p.yaml", policy("p", &format!("rules:\n{rules}")));
    }

    /// Commits all that is not ignored on top of what is checked out.
    fn commit(&self) -> Oid {
        let mut index = self.repository.index().unwrap();
        index
            .add_all(["."], git2::IndexAddOption::DEFAULT, None)
            .unwrap();
        index.update_all(["."], None).unwrap();
        index.write().unwrap();
        let tree = self
            .repository
            .find_tree(index.write_tree().unwrap())
            .unwrap();
        let author =
            Signature::new("Ann", "ann@example.com", &git2::Time::new(1_772_323_200, 0)).unwrap();
        let parent = self
            .repository
            .head()
            .ok()
            .map(|head| head.peel_to_commit().unwrap());
        let parents: Vec<_> = parent.iter().collect();
        self.repository
            .commit(Some("HEAD"), &author, &author, "x", &tree, &parents)
            .unwrap()
    }

    /// Begins a branch here and goes there.
    fn branch(&self, name: &str) {
        let here = self.repository.head().unwrap().peel_to_commit().unwrap();
        self.repository.branch(name, &here, true).unwrap();
        self.repository
            .set_head(&format!("refs/heads/{name}"))
            .unwrap();
    }

    fn point(&self, reference: &str, id: Oid) {
        self.repository.reference(reference, id, true, "").unwrap();
    }

    fn apply(&self, code: i32, more: &[&str]) -> Ran {
        self.sandbox.expect(code, &[APPLY, more].concat())
    }

    /// Asserts that apply is refused with this message, and that nothing was applied.
    #[track_caller]
    fn refused(&self, more: &[&str], says: &str) -> String {
        let ran = self.apply(5, more);
        assert!(
            ran.err.contains("refused: ") && ran.err.contains(says),
            "{}",
            ran.err
        );
        assert!(ran.err.contains("Nothing was applied."), "{}", ran.err);
        assert!(!self.sandbox.path(".polwarden/journal").exists());
        ran.err
    }

    /// A text with the ids of commits put as names.
    fn named(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (number, id) in self.history().into_iter().enumerate() {
            text = text
                .replace(&id, &format!("[commit {number}]"))
                .replace(&id[..10], &format!("[commit {number}]"));
        }
        text
    }

    /// All commits of all branches, the first one first.
    fn history(&self) -> Vec<String> {
        let mut walk = self.repository.revwalk().unwrap();
        walk.push_glob("*").unwrap();
        walk.set_sorting(git2::Sort::TOPOLOGICAL | git2::Sort::REVERSE)
            .unwrap();
        walk.map(|id| id.unwrap().to_string()).collect()
    }
}
