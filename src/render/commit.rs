use crate::plan::Commit;
use crate::render::text::neutral;
use git::{CommitPerson, Pipeline};

/// The commit in one line: id, branch and author from git, then what the pipeline reports. `data`
/// neutralizes external text.
pub(crate) fn line(commit: &Commit, data: impl Fn(&str) -> String) -> String {
    let Commit {
        id,
        dirty,
        branch,
        author,
        committer: _,
        pipeline,
    } = commit;
    let mut text = format!("Commit {}", data(id.get(..10).unwrap_or(id)));
    if let Some(branch) = branch {
        text.push_str(&format!(" on branch {}", data(branch)));
    }
    if let Some(CommitPerson {
        name,
        email: _,
        time: _,
    }) = author
    {
        text.push_str(&format!(", by {}", data(name)));
    }
    if *dirty {
        text.push_str(", with changes that are not committed");
    }
    text.push('.');
    if let Some(pipeline) = pipeline {
        text.push_str(&pipeline_text(pipeline, data));
    }
    text
}

/// The commit as in `git log --oneline`, with its branch: `main@059b4b5`.
pub(crate) fn short(commit: &Commit) -> String {
    let branch = commit.branch.as_ref();
    let branch = branch.map(|branch| format!("{}@", neutral(branch)));
    let dirty = if commit.dirty {
        " with uncommitted changes"
    } else {
        ""
    };
    let id = neutral(commit.id.get(..7).unwrap_or(&commit.id));
    format!("{}{id}{dirty}", branch.unwrap_or_default())
}

fn pipeline_text(pipeline: &Pipeline, data: impl Fn(&str) -> String) -> String {
    let Pipeline {
        service,
        branch,
        actor,
    } = pipeline;
    let branch = branch
        .as_ref()
        .map(|branch| format!("branch {}", data(branch)));
    let actor = actor
        .as_ref()
        .map(|actor| format!("started by {}", data(actor)));
    let told: Vec<String> = branch.into_iter().chain(actor).collect();
    if told.is_empty() {
        String::new()
    } else {
        format!(" {} says: {}.", service.as_str(), told.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use git::PipelineService;

    #[test]
    fn what_git_knows_is_told_apart_from_what_a_pipeline_says() {
        let mut commit = Commit {
            id: "0123456789abcdef".to_owned(),
            dirty: false,
            branch: None,
            author: None,
            committer: None,
            pipeline: None,
        };
        let told = |commit: &Commit| line(commit, |text| format!("<{text}>"));
        assert_eq!(told(&commit), "Commit <0123456789>.");
        let branch = Some("main".to_owned());
        let time = jiff::Timestamp::UNIX_EPOCH;
        commit.author = Some(CommitPerson {
            name: "Ann".to_owned(),
            email: "ann@example.com".to_owned(),
            time,
        });
        commit.pipeline = Some(Pipeline {
            service: PipelineService::Github,
            branch: branch.clone(),
            actor: Some("bob".to_owned()),
        });
        commit.dirty = true;
        assert_eq!(
            told(&commit),
            "Commit <0123456789>, by <Ann>, with changes that are not committed. GitHub says: branch <main>, started by \
             <bob>."
        );
        (commit.branch, commit.dirty, commit.pipeline) = (branch, false, None);
        assert_eq!(
            told(&commit),
            "Commit <0123456789> on branch <main>, by <Ann>."
        );
    }
}
