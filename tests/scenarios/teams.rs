//! Scopes: teams by alias, by uuid and by the server's name; and no accidental scope of everyone (invariant 9).

use emulator::{DockerOptions, DockerOrganizationSeed, EmulatorProfile, TeamSeed};
use model::diag::Code;
use serde_json::json;

use super::{NoPlan, Story};
use crate::cli::sandbox::tcp;
use crate::emulator::{TEAM, organization};

fn scoped(scope: &str) -> String {
    format!(
        "scope: {scope}\nrules:\n{}",
        tcp("r", "allow", "a.example.com")
    )
}

#[tokio::test]
async fn a_team_has_three_names() {
    for profile in EmulatorProfile::ALL {
        for name in ["sec", "security", TEAM, &TEAM.to_ascii_uppercase()] {
            let story = Story::new(profile).await;
            story.config(&format!("teams: {{sec: {TEAM}}}\n"));
            story.policy("p", &scoped(&format!("{{teams: [{name}]}}")));
            story.converge().await;
            assert_eq!(
                story.live("p").await.unwrap()["scope"]["teams"],
                json!([TEAM]),
                "{profile} {name}"
            );
            let asked = !story.sent("listGroups").is_empty();
            assert_eq!(
                asked,
                name == "security",
                "the server is asked for names only"
            );
        }
    }
}

#[tokio::test]
async fn a_team_beyond_the_first_page_is_found() {
    let team = |number: u32| TeamSeed {
        uuid: format!("00000000-0000-4000-8000-{number:012}"),
        name: format!("team {number}"),
    };
    let seed = DockerOrganizationSeed {
        name: "my-org".to_owned(),
        teams: (1..=230).map(team).collect(),
        policies: vec![],
    };
    let story = Story::with(DockerOptions {
        organizations: vec![seed],
        ..DockerOptions::default()
    })
    .await;
    story.policy("p", &scoped("{teams: [team 230]}"));
    story.converge().await;
    assert!(story.sent("listGroups").len() > 1, "more than one page");
    assert_eq!(
        story.live("p").await.unwrap()["scope"]["teams"],
        json!([team(230).uuid])
    );
}

#[tokio::test]
async fn an_unknown_team_stops_everything() {
    for profile in EmulatorProfile::ALL {
        let story = Story::new(profile).await;
        story.policy("p", &scoped("{teams: [securty]}"));
        match story.try_plan().await {
            Err(NoPlan::Findings(codes)) => assert_eq!(codes, [Code::UnknownTeam]),
            other => panic!("{other:?}"),
        }
        assert_eq!(story.writes(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn teams_that_cannot_be_read_are_not_no_teams() {
    let story = Story::new(EmulatorProfile::Current).await;
    // The organization of the manifest does not exist: 404 for the teams.
    story.write(
        "polwarden.yaml",
        &crate::cli::sandbox::config("").replace("my-org", "other-org"),
    );
    story.policy("p", &scoped("{teams: [security]}"));
    match story.try_plan().await {
        Err(NoPlan::Read(error)) => assert_eq!(
            (error.operation(), error.status()),
            ("listGroups", Some(404))
        ),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_refused_list_of_teams_offers_both_solutions() {
    let fault = "before-403@listGroups".parse().unwrap();
    let story = Story::with(DockerOptions {
        organizations: vec![organization("my-org")],
        faults: vec![fault],
        ..DockerOptions::default()
    })
    .await;
    story.policy("p", &scoped("{teams: [security]}"));
    match story.try_plan().await {
        Err(NoPlan::Read(error)) => {
            assert_eq!(error.status(), Some(403));
            let help = error.help();
            for text in [
                "Personal access tokens cannot read the teams",
                "organization access token",
                "`teams`",
            ] {
                assert!(help.contains(text), "{text}: {help}");
            }
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn two_teams_of_one_name_are_no_team() {
    let twin = |uuid: &str| TeamSeed {
        uuid: uuid.to_owned(),
        name: "twins".to_owned(),
    };
    let teams = vec![
        twin("00000000-0000-4000-8000-000000000001"),
        twin("00000000-0000-4000-8000-000000000002"),
    ];
    let seed = DockerOrganizationSeed {
        name: "my-org".to_owned(),
        teams,
        policies: vec![],
    };
    let story = Story::with(DockerOptions {
        organizations: vec![seed],
        ..DockerOptions::default()
    })
    .await;
    story.policy("p", &scoped("{teams: [twins]}"));
    assert!(
        matches!(story.try_plan().await, Err(NoPlan::Findings(codes)) if codes == [Code::UnknownTeam])
    );
}

#[tokio::test]
async fn a_scope_of_nobody_is_never_everybody() {
    for scope in [
        "{}",
        "{teams: []}",
        "{profiles: []}",
        "{teams: [], profiles: []}",
        "{teams: null}",
        "null",
    ] {
        let story = Story::new(EmulatorProfile::Seed).await;
        story.policy("p", &scoped(scope));
        match story.try_plan().await {
            Err(NoPlan::Findings(_)) => {}
            other => panic!("{scope}: {other:?}"),
        }
    }
}
