//! The source of the signers: a change cannot add its own.

use proptest::prelude::*;

use super::super::allowed::AllowedSigners;
use super::*;
use crate::mutated_bytes::{CASES, mutated_bytes};

const FILE: &str = "allowed_signers";

fn both() -> String {
    line(&key(1)) + &line(&key(2))
}

#[test]
fn a_change_cannot_add_its_own_signer() {
    let (site, base) = allowing(&line(&key(1)));
    let stranger = with(key(2));
    let own = both();
    // In the commit itself.
    let commit = site.commit(New {
        parents: &[base],
        files: &[(FILE, &own)],
        time: MARCH,
        sign: Some(&stranger),
    });
    assert!(matches!(
        site.verify(commit, None),
        Err(SignatureError::Unknown { .. })
    ));
    // With one commit before.
    let second = site.commit(New {
        parents: &[commit],
        files: &[(FILE, &own)],
        time: MARCH,
        sign: Some(&stranger),
    });
    let third = site.commit(New {
        parents: &[second],
        files: &[(FILE, &own)],
        time: MARCH,
        sign: Some(&stranger),
    });
    let names = BTreeMap::from([
        ("BASE", base),
        ("FIRST", commit),
        ("SECOND", second),
        ("THIRD", third),
    ]);
    for last in [second, third] {
        let said = site.refused(last, None, &names);
        assert!(
            said.starts_with("the signers in `allowed_signers` were changed by a commit that does not count: the commit FIRST is signed"),
            "{said}"
        );
        assert!(
            site.refused(last, Some(&base.to_string()), &names)
                .contains("does not allow at the base BASE")
        );
    }
    // By deleting the file first.
    let without = site.commit(New {
        parents: &[base],
        files: &[],
        time: MARCH,
        sign: None,
    });
    let again = site.commit(New {
        parents: &[without],
        files: &[(FILE, &own)],
        time: MARCH,
        sign: None,
    });
    let last = site.commit(New {
        parents: &[again],
        files: &[(FILE, &own)],
        time: MARCH,
        sign: Some(&stranger),
    });
    let said = site.refused(last, None, &BTreeMap::from([("GONE", without)]));
    assert!(said.contains("the commit GONE is not signed"), "{said}");
}

#[test]
fn signers_that_were_removed_are_introduced_again_by_a_signer_of_before() {
    let (site, base) = allowing(&line(&key(1)));
    let own = line(&key(2));
    let commit = |parent: Oid, files: &[(&str, &str)], sign: Option<super::Sign<'_>>| {
        site.commit(New {
            parents: &[parent],
            files,
            time: MARCH,
            sign,
        })
    };
    let first = with(key(1));
    let second = with(key(2));
    let removed = commit(base, &[], Some(&first));
    let between = commit(removed, &[("other", "x")], None);
    let signers: [(Option<super::Sign<'_>>, bool); 3] =
        [(None, false), (Some(&second), false), (Some(&first), true)];
    for (signer, is_allowed) in signers {
        let again = commit(between, &[(FILE, &own)], signer);
        let last = commit(again, &[(FILE, &own)], Some(&second));
        match site.verify(last, None) {
            Ok(_) => assert!(is_allowed),
            Err(error) => {
                assert!(!is_allowed, "{error}");
                assert!(
                    error
                        .to_string()
                        .starts_with("the signers in `allowed_signers` were changed"),
                    "{error}"
                );
            }
        }
    }
    // Where no commit before contains signers, trust begins with the first.
    let start = site.commit(New {
        parents: &[],
        files: &[],
        time: MARCH,
        sign: None,
    });
    let introduced = commit(start, &[(FILE, &own)], None);
    let last = commit(introduced, &[(FILE, &own)], Some(&second));
    assert!(site.verify(last, None).is_ok());
    assert!(site.verify(introduced, None).is_err());
}

#[test]
fn a_signer_adds_another_who_signs_from_then_on() {
    let (site, base) = allowing(&line(&key(1)));
    let first = with(key(1));
    let second = with(key(2));
    let own = both();
    let added = site.commit(New {
        parents: &[base],
        files: &[(FILE, &own)],
        time: MARCH,
        sign: Some(&first),
    });
    let next = site.commit(New {
        parents: &[added],
        files: &[(FILE, &own)],
        time: MARCH,
        sign: Some(&second),
    });
    assert_eq!(site.verify(next, None).unwrap().base, added.to_string());
    // After removal, the signer is no longer allowed.
    let alone = line(&key(1));
    let gone = site.commit(New {
        parents: &[next],
        files: &[(FILE, &alone)],
        time: MARCH,
        sign: Some(&first),
    });
    let late = site.commit(New {
        parents: &[gone],
        files: &[(FILE, &alone)],
        time: MARCH,
        sign: Some(&second),
    });
    assert!(matches!(
        site.verify(late, None),
        Err(SignatureError::Unknown { .. })
    ));
}

#[test]
fn a_merge_is_held_to_what_it_was_merged_into() {
    let (site, base) = allowing(&line(&key(1)));
    let own = both();
    let change = site.commit(New {
        parents: &[base],
        files: &[(FILE, &own)],
        time: MARCH,
        sign: None,
    });
    let merge = |key: PrivateKey| {
        let sign = with(key);
        site.commit(New {
            parents: &[base, change],
            files: &[(FILE, &own)],
            time: MARCH,
            sign: Some(&sign),
        })
    };
    assert_eq!(
        site.verify(merge(key(1)), None).unwrap().base,
        base.to_string()
    );
    assert!(matches!(
        site.verify(merge(key(2)), None),
        Err(SignatureError::Unknown { .. })
    ));
}

#[test]
fn a_base_must_be_where_the_commit_comes_from() {
    let (site, base) = allowing(&line(&key(1)));
    let signed = with(key(1));
    let commit = site.commit(New {
        parents: &[base],
        files: &[],
        time: MARCH,
        sign: Some(&signed),
    });
    let later = site.commit(New {
        parents: &[commit],
        files: &[],
        time: MARCH,
        sign: Some(&signed),
    });
    let names = BTreeMap::from([("BASE", base), ("COMMIT", commit)]);
    let said = |base: &str| site.refused(commit, Some(base), &names);
    assert!(said(&commit.to_string()).starts_with("the base `COMMIT` is the commit to apply"));
    assert!(said(&later.to_string()).contains("is not an ancestor of the commit COMMIT"));
    assert!(said("nowhere").contains("unknown revision `nowhere`"));
    assert!(
        site.refused(base, None, &names)
            .starts_with("the commit BASE is the first of its history")
    );
    let said = site.refused(later, None, &names);
    assert!(
        said.starts_with(
            "the base COMMIT contains neither `allowed_signers` nor `allowed_signers.asc`"
        ),
        "{said}"
    );
}

#[test]
fn a_shallow_clone_says_what_to_fetch() {
    let (site, base) = allowing(&line(&key(1)));
    let signed = with(key(1));
    let alone = line(&key(1));
    let second = site.commit(New {
        parents: &[base],
        files: &[(FILE, &alone)],
        time: MARCH,
        sign: Some(&signed),
    });
    let third = site.commit(New {
        parents: &[second],
        files: &[(FILE, &alone)],
        time: MARCH,
        sign: Some(&signed),
    });
    for depth in [1, 2] {
        let clone = tempfile::tempdir().unwrap();
        let url = format!("file://{}", site.folder.path().display());
        let depth = depth.to_string();
        let arguments = [
            "clone", "--quiet", "--bare", "--depth", &depth, "--branch", "main", &url, ".",
        ];
        let ran = std::process::Command::new("git")
            .args(arguments)
            .current_dir(clone.path())
            .status()
            .unwrap();
        assert!(ran.success());
        let repository = Repository::open_bare(clone.path()).unwrap();
        let site = Site {
            folder: clone,
            repository,
        };
        let said = site.refused(third, None, &BTreeMap::new());
        assert!(
            said.starts_with("this clone is shallow")
                && said.contains("git fetch --unshallow origin"),
            "{said}"
        );
        // An explicit base suffices if the clone contains it.
        assert_eq!(
            site.verify(third, Some(&second.to_string())).is_ok(),
            depth == "2"
        );
    }
}

#[test]
fn a_file_of_which_a_line_is_not_understood_is_not_used() {
    let key = public(&key(1));
    for (text, why) in [
        (
            "ann".to_owned(),
            "line 1: a key is missing behind the principals",
        ),
        (
            "# a\n\nann ssh-ed25519".to_owned(),
            "line 3: the key behind `ssh-ed25519` is missing",
        ),
        ("ann ssh-ed25519 AAAA".to_owned(), "line 1: no public key"),
        (
            format!("ann cert-authority {key}"),
            "line 1: certificates are not supported",
        ),
        (
            format!("ann no-touch-required=yes {key}"),
            "line 1: unknown option `no-touch-required`",
        ),
        (
            format!("ann valid-before=\"tomorrow\" {key}"),
            "line 1: invalid date `tomorrow`",
        ),
        (
            format!("ann valid-before=20261301 {key}"),
            "line 1: invalid date `20261301`",
        ),
        (format!("\"ann {key}"), "line 1: a quote is not closed"),
    ] {
        let error = AllowedSigners::parse(&text).unwrap_err().to_string();
        assert!(error.starts_with(why), "{text}: {error}");
    }
    for text in [
        String::new(),
        format!(
            "\"Ann A\",bob@* namespaces=\"git,file\",valid-after=\"202603010000\" {key} a comment"
        ),
        format!("*  NAMESPACES=git   {key}\r\n"),
    ] {
        assert!(AllowedSigners::parse(&text).is_ok(), "{text}");
    }
    let (site, base) = allowing("ann ssh-ed25519 AAAA\n");
    let commit = site.commit(New {
        parents: &[base],
        files: &[],
        time: MARCH,
        sign: Some(&with(super::key(1))),
    });
    let said = site.refused(commit, None, &BTreeMap::from([("BASE", base)]));
    assert!(
        said.starts_with(
            "`allowed_signers` at the base BASE cannot be used: line 1: no public key"
        ),
        "{said}"
    );
}

#[test]
fn a_link_in_the_place_of_the_file_is_not_followed() {
    let site = Site::new();
    let mut tree = site.repository.treebuilder(None).unwrap();
    tree.insert(
        FILE,
        site.repository.blob(b"/etc/passwd").unwrap(),
        0o120_000,
    )
    .unwrap();
    let tree = site.repository.find_tree(tree.write().unwrap()).unwrap();
    let author = Signature::new("Ann", "ann@example.com", &Time::new(MARCH, 0)).unwrap();
    let base = site
        .repository
        .commit(None, &author, &author, "x", &tree, &[])
        .unwrap();
    let commit = site.commit(New {
        parents: &[base],
        files: &[],
        time: MARCH,
        sign: Some(&with(key(1))),
    });
    assert!(
        site.refused(commit, None, &BTreeMap::new())
            .contains("cannot be used: it is not a file")
    );
}

fn signers() -> String {
    let options = "namespaces=\"git,x*\",valid-after=\"20200101\",valid-before=\"20991231235959Z\"";
    let key = public(&key(3));
    format!("# comment\n{}ann@example.com {options} {key}\n", both())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn bytes_of_allowed_signers_never_panic(bytes in mutated_bytes(vec![signers()])) {
        let Ok(signers) = AllowedSigners::parse(&String::from_utf8_lossy(&bytes)) else {
            return Ok(());
        };
        for key in [key(1), key(3)] {
            for signer in signers.with_key(key.public_key().key_data()) {
                signer.is_for("git");
            }
        }
    }
}

#[test]
fn a_long_namespace_pattern_is_matched_without_deep_recursion() {
    for (end, is_match) in [("", true), ("t", true), ("x", false)] {
        let pattern = format!("{}{end}", "*".repeat(1_000_000));
        let text = format!("a namespaces=\"{pattern}\" {}\n", public(&key(1)));
        let signers = AllowedSigners::parse(&text).unwrap();
        let key = key(1);
        let signer = signers.with_key(key.public_key().key_data()).next();
        assert_eq!(signer.unwrap().is_for("git"), is_match, "{end}");
    }
}
