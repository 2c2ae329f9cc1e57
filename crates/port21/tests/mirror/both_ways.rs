//! Both ways with port21's own server.

use std::fs;
use std::path::Path;

use crate::place::{Place, WAYS, Way, assert_same, at, talk, tree, write};

/// A tree with what trees have.
fn plant(place: &Place, way: Way) {
    let source = place.source(way);
    write(&source, "a.txt", b"some text\r\nof two lines", at(1));
    write(&source, "empty", b"", at(2));
    write(&source, ".hidden", b"h", at(3));
    write(&source, "sub/b.bin", &[0, 255, 13, 10].repeat(50_000), at(4));
    write(&source, "sub/deep/er/c", b"c", at(5));
    for (number, name) in
        ["ünï 世.txt", " lead and trail ", "-rf", "a;b=c", "quo\"te", "100%", "[x]*?", "a\tb"]
            .iter()
            .enumerate()
    {
        if way == Way::Fetch && *name == "a\tb" {
            continue;
        }
        write(&source, &format!("odd -names/{name}"), name.as_bytes(), at(10 + number as u64));
    }
    fs::create_dir(source.join("void")).unwrap();
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(source.join("sub/deep/er/c"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn target_becomes_like_the_source_and_then_there_is_nothing_to_do() {
    for way in WAYS {
        let place = Place::new();
        plant(&place, way);
        let done = place.mirror(way, &[]);
        assert_same(&place.source(way), &place.target(way));
        assert_eq!(done.count("failed"), 0);
        assert_eq!(done.count("transferred"), done.transferred().len() as u64);
        let again = place.mirror(way, &[]);
        assert_eq!(
            (again.lines.len(), again.count("unchanged")),
            (0, done.count("transferred")),
            "{way:?} {again:?}"
        );
        assert_eq!(again.talk, "");
    }
}

#[test]
fn only_what_changed_is_transferred() {
    for way in WAYS {
        let place = Place::new();
        plant(&place, way);
        place.mirror(way, &[]);
        let source = place.source(way);
        write(&source, "a.txt", b"another text", at(1));
        write(&source, "sub/deep/er/c", b"d", at(6));
        write(&source, "new/file", b"n", at(7));
        let done = place.mirror(way, &[]);
        assert_eq!(done.transferred(), ["a.txt", "new/file", "sub/deep/er/c"], "{way:?}");
        assert_eq!(done.paths("mkdir"), ["new"]);
        assert_same(&source, &place.target(way));
    }
}

/// The hours of [`at`] at which folders changed last, 0 before that.
fn dates<const N: usize>(folder: &Path, names: [&str; N]) -> [u64; N] {
    names.map(|name| {
        let changed = fs::metadata(folder.join(name)).unwrap().modified().unwrap();
        changed.duration_since(at(0)).map_or(0, |since| since.as_secs() / 3600)
    })
}

fn date(folder: &Path, name: &str, hour: u64) {
    fs::File::open(folder.join(name)).unwrap().set_modified(at(hour)).unwrap();
}

#[test]
fn folders_have_their_times_once_all_in_them_is_done() {
    for way in WAYS {
        let place = Place::new();
        let (source, target) = (place.source(way), place.target(way));
        let names = ["a", "a/b", "a/b/c", "d"];
        for name in ["a/gone", "a/b/file", "a/b/c/file"] {
            write(&source, name, name.as_bytes(), at(1));
        }
        fs::create_dir(source.join("d")).unwrap();
        (1..).zip(names).for_each(|(hour, name)| date(&source, name, hour));
        place.mirror(way, &["-P", "2"]);
        assert_eq!(dates(&target, names), [1, 2, 3, 4], "{way:?}");
        // Something is deleted, written over, and made; and of one folder only the time is another.
        fs::remove_file(source.join("a/gone")).unwrap();
        write(&source, "a/b/file", b"another", at(2));
        fs::create_dir(source.join("a/b/c/new")).unwrap();
        (2..).zip(names).for_each(|(hour, name)| date(&source, name, hour));
        place.mirror(way, &["--delete", "-P", "2"]);
        assert_eq!(dates(&target, names), [2, 3, 4, 5], "{way:?}");
        date(&source, "d", 9);
        place.mirror(way, &["--no-times"]);
        assert_eq!(dates(&target, ["d"]), [5], "{way:?}");
    }
}

#[test]
fn dry_run_says_what_the_run_then_does_and_does_nothing() {
    for way in WAYS {
        let place = Place::new();
        plant(&place, way);
        write(&place.target(way), "a.txt", b"old", at(0));
        write(&place.target(way), "gone/x", b"x", at(0));
        let before = tree(&place.target(way));
        let dry = place.mirror(way, &["--dry-run", "--delete"]);
        assert_eq!(tree(&place.target(way)), before, "{way:?}");
        let wet = place.mirror(way, &["--delete"]);
        for action in ["get", "put", "mkdir", "delete"] {
            assert_eq!(dry.paths(action), wet.paths(action), "{way:?} {action}");
        }
        assert_eq!(wet.paths("delete"), ["gone", "gone/x"]);
        assert_same(&place.source(way), &place.target(way));
    }
}

#[test]
fn dry_run_makes_not_even_the_target() {
    let place = Place::new();
    plant(&place, Way::Fetch);
    fs::remove_dir(place.near()).unwrap();
    let done = place.mirror(Way::Fetch, &["-n"]);
    assert!(!place.near().exists() && done.count("transferred") > 5);
    let place = Place::new();
    plant(&place, Way::Send);
    fs::remove_dir(place.far()).unwrap();
    let done = place.mirror(Way::Send, &["-n"]);
    assert!(!place.far().exists() && done.count("transferred") > 5);
    place.mirror(Way::Send, &[]);
    assert_same(&place.near(), &place.far());
}

#[test]
fn what_is_only_in_the_target_is_deleted_if_asked_for_and_not_too_much() {
    for way in WAYS {
        let place = Place::new();
        plant(&place, way);
        let target = place.target(way);
        write(&target, "old/deep/x", b"x", at(0));
        write(&target, "old/keep.log", b"x", at(0));
        write(&target, "y", b"y", at(0));
        place.mirror(way, &[]);
        assert!(target.join("old/deep/x").exists() && target.join("y").exists());
        let refused = place.run(way, &["--delete", "--max-delete", "4"]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(talk(&refused).contains("it would be 5 files and folders"), "{}", talk(&refused));
        assert!(target.join("old/deep/x").exists() && target.join("y").exists());
        let done = place.mirror(way, &["--delete", "--max-delete", "4", "--exclude", "*.log"]);
        assert_eq!(done.paths("delete"), ["old/deep", "old/deep/x", "y"], "{way:?}");
        assert!(target.join("old/keep.log").exists());
        place.mirror(way, &["--delete"]);
        assert_same(&place.source(way), &target);
    }
}

#[test]
fn source_that_is_not_there_deletes_nothing() {
    for way in WAYS {
        let place = Place::new();
        write(&place.target(way), "precious", b"x", at(0));
        fs::remove_dir(place.source(way)).unwrap();
        let output = place.run(way, &["--delete"]);
        assert_ne!(output.status.code(), Some(0), "{way:?}");
        assert!(place.target(way).join("precious").exists());
    }
}

#[test]
fn patterns_choose() {
    for way in WAYS {
        let place = Place::new();
        plant(&place, way);
        let done = place.mirror(
            way,
            &["--exclude", "/sub/deep/", "--include", "*.txt", "--exclude", "odd*/**", "--exclude", "void/"],
        );
        assert_eq!(
            done.transferred(),
            [".hidden", "a.txt", "empty", "odd -names/ünï 世.txt", "sub/b.bin"],
            "{way:?}"
        );
        assert!(!place.target(way).join("void").exists());
        let place = Place::new();
        plant(&place, way);
        assert_eq!(
            place.mirror(way, &["--include", "*.txt"]).transferred(),
            ["a.txt", "odd -names/ünï 世.txt"]
        );
        assert_eq!(place.mirror(way, &["--depth", "1"]).transferred(), [".hidden", "empty"]);
    }
}

#[test]
fn comparisons_are_those_asked_for() {
    for way in WAYS {
        let place = Place::new();
        let (source, target) = (place.source(way), place.target(way));
        for (name, old, new) in [("same", at(5), at(5)), ("older", at(5), at(4)), ("newer", at(5), at(6))] {
            write(&target, name, b"12345", old);
            write(&source, name, if name == "same" { b"54321" } else { b"12345" }, new);
        }
        write(&target, "longer", b"12345", at(5));
        write(&source, "longer", b"123456", at(4));
        let would = |options: &[&str]| place.mirror(way, &[&["-n"], options].concat()).transferred();
        assert_eq!(would(&[]), ["longer", "newer", "older"], "{way:?}");
        assert_eq!(would(&["--size-only"]), ["longer"]);
        assert_eq!(would(&["--newer"]), ["newer"]);
        assert_eq!(would(&["--ignore-times"]), ["longer", "newer", "older", "same"]);
        let done = place.mirror(way, &["--checksum"]);
        assert_eq!(done.transferred(), ["longer", "same"], "{way:?}");
        assert_eq!(done.count("unchanged"), 2);
        assert_eq!(fs::read(target.join("same")).unwrap(), b"54321");
        let timed = place.mirror(way, &["--size-only"]);
        assert_eq!(timed.paths("adjust"), ["newer", "older"], "{way:?}");
        assert_same(&source, &target);
    }
}

#[test]
fn transfers_are_verified_by_checksum() {
    for way in WAYS {
        let place = Place::new();
        plant(&place, way);
        let done = place.mirror(way, &["--verify"]);
        let transfers = done.lines.iter().filter(|line| line["reason"] != serde_json::Value::Null);
        assert!(
            transfers.clone().count() > 5 && transfers.clone().all(|line| line["verified"] == true),
            "{done:?}"
        );
    }
}

#[test]
fn unfinished_file_is_resumed_only_if_it_is_of_the_same_version() {
    for way in WAYS {
        let place = Place::new();
        let (source, target) = (place.source(way), place.target(way));
        let content: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        write(&source, "big", &content, at(1));
        // What a killed run leaves: half a file, and a state file that says of which version.
        let leave = |half: &[u8], hours: u64| {
            let direction = if way == Way::Fetch { "from" } else { "to" };
            let url = place.arguments(way, &[]).into_iter().find(|word| word.starts_with("ftp:")).unwrap();
            let version =
                format!("{{\"size\":{},\"time\":[{},1]}}", content.len(), 1_577_836_800 + hours * 3600);
            let lines = format!(
                "{{\"head\":{{\"schema\":\"port21.mirror/1\",\"place\":\"{direction} {url}\"}}}}\n\
                 {{\"begun\":{{\"path\":\"big\",\"version\":{version}}}}}\n"
            );
            fs::write(place.near().join("state"), lines).unwrap();
            let _ = fs::remove_file(target.join("big"));
            fs::write(target.join("big.partial"), half).unwrap();
        };
        let state = place.near().join("state");
        let options = ["--state", state.to_str().unwrap(), "--exclude", "/state"];
        leave(&content[..1_000_000], 1);
        let done = place.mirror(way, &options);
        let line = done.lines.iter().find(|line| line["path"] == "big").unwrap();
        assert_eq!(
            (&line["resumed_from"], &line["transferred"]),
            (&1_000_000.into(), &200_000.into()),
            "{way:?}"
        );
        assert!(fs::read(target.join("big")).unwrap() == content);
        assert!(!state.exists(), "there is nothing to be told to the next run");
        leave(&[7; 1_000_000], 2);
        let done = place.mirror(way, &options);
        let line = done.lines.iter().find(|line| line["path"] == "big").unwrap();
        assert_eq!(line["resumed_from"], 0, "{way:?}: it was another version");
        assert!(fs::read(target.join("big")).unwrap() == content);
        let elsewhere = "{\"head\":{\"schema\":\"port21.mirror/1\",\"place\":\"to elsewhere\"}}\n";
        fs::write(&state, elsewhere).unwrap();
        assert!(place.mirror(way, &options).talk.contains("is ignored: it is about another mirror"));
    }
}

#[test]
fn links_are_left_out_or_followed_and_lead_nowhere_else() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    let source = place.near();
    write(&source, "real/file", b"x", at(1));
    symlink("real", source.join("folder")).unwrap();
    symlink("real/file", source.join("link")).unwrap();
    symlink("/etc/passwd", source.join("outside")).unwrap();
    let done = place.mirror(Way::Send, &[]);
    assert_eq!((done.transferred(), done.count("skipped")), (vec!["real/file".to_owned()], 3));
    let done = place.mirror(Way::Send, &["--follow-links"]);
    assert_eq!(
        (done.transferred(), done.count("skipped")),
        (vec!["folder/file".to_owned(), "link".to_owned()], 1)
    );
}

#[test]
fn link_to_a_folder_above_is_not_gone_through_again_and_again() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    let source = place.near();
    write(&source, "a/b/file", b"x", at(1));
    symlink(".", source.join("root")).unwrap();
    symlink("..", source.join("a/b/up")).unwrap();
    symlink("a/b", source.join("twice")).unwrap();
    let done = place.mirror(Way::Send, &["--follow-links", "--delete"]);
    assert_eq!(done.transferred(), ["a/b/file", "twice/file"], "{}", done.talk);
    assert_eq!(done.paths("mkdir"), ["a", "a/b", "twice", "twice/up"]);
    assert!(done.talk.contains("left out: links to folders above them"), "{}", done.talk);
}

#[test]
fn link_in_the_target_is_not_gone_through() {
    let place = Place::new();
    let outside = tempfile::tempdir().unwrap();
    write(&place.far(), "sub/file", b"x", at(1));
    std::os::unix::fs::symlink(outside.path(), place.near().join("sub")).unwrap();
    let output = place.run(Way::Fetch, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(talk(&output).contains("sub: something of another kind"), "{}", talk(&output));
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    place.mirror(Way::Fetch, &["--delete"]);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    assert_same(&place.far(), &place.near());
}

#[test]
fn other_kind_gives_way_with_delete() {
    for way in WAYS {
        let place = Place::new();
        let (source, target) = (place.source(way), place.target(way));
        write(&source, "a/x", b"x", at(1));
        write(&source, "b", b"b", at(1));
        write(&target, "a", b"a", at(1));
        write(&target, "b/y/z", b"z", at(1));
        assert_eq!(place.run(way, &[]).status.code(), Some(1));
        place.mirror(way, &["--delete"]);
        assert_same(&source, &target);
    }
}

#[test]
fn server_with_few_places_is_mirrored_with_few_sessions() {
    for way in WAYS {
        let place = Place::with(&["--max-connections-per-address", "2"]);
        for number in 0..40 {
            write(&place.source(way), &format!("{}/{number}", number % 7), b"x", at(number));
        }
        let done = place.mirror(way, &["-P", "6"]);
        assert_same(&place.source(way), &place.target(way));
        assert_eq!(done.count("failed"), 0, "{done:?}");
    }
}

#[test]
fn wrong_arguments_are_exit_code_2_and_no_server_is_3() {
    let folder = tempfile::tempdir().unwrap();
    let near = folder.path().to_str().unwrap();
    let missing = folder.path().join("missing");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("ftp://{closed}/");
    for (words, code) in [
        (&["mirror", near, near][..], 2),
        (&["mirror", &url, &url], 2),
        (&["mirror", missing.to_str().unwrap(), &url], 2),
        (&["mirror", &format!("{url}x;type=a"), near], 2),
        (&["mirror", &url, near, "--size-only", "--newer"], 2),
        (&["mirror", &url, near, "--max-delete", "3"], 2),
        (&["mirror", &url, near, "-P", "0"], 2),
        (&["mirror", &url, near], 3),
        (&["mirror", &url, missing.to_str().unwrap()], 3),
        (&["mirror", near, &url], 3),
    ] {
        let output = crate::place::PORT21.run(&[words, &["--no-netrc", "--timeout", "5"]].concat());
        assert_eq!(output.status.code(), Some(code), "{words:?}: {}", talk(&output));
    }
    assert!(!missing.exists());
}

#[test]
fn file_that_is_no_state_file_is_not_taken_for_one() {
    let place = Place::new();
    write(&place.far(), "a", b"a", at(1));
    let state = place.near().with_file_name("state");
    fs::write(&state, "a letter to somebody\n").unwrap();
    let option = format!("--state={}", state.display());
    let output = place.run(Way::Fetch, &[&option]);
    assert_eq!(output.status.code(), Some(2), "{}", talk(&output));
    assert!(talk(&output).contains("is no state file that could be written over"), "{}", talk(&output));
    assert_eq!(fs::read(&state).unwrap(), b"a letter to somebody\n");
    fs::write(&state, "").unwrap();
    assert_eq!(place.mirror(Way::Fetch, &[&option]).transferred(), ["a"]);
    assert!(!state.exists(), "nothing is left to be known");
}

#[test]
fn summary_is_a_sentence_and_quiet_is_quiet() {
    let place = Place::new();
    write(&place.far(), "a", b"12345", at(1));
    let output = place.run(Way::Fetch, &["-v"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "get a  5 bytes  (missing)\n");
    let said = talk(&output);
    assert!(
        said.starts_with("port21: 1 file transferred (5 bytes in ") && said.ends_with(", 0 unchanged\n"),
        "{said}"
    );
    let output = place.run(Way::Fetch, &["-q"]);
    assert_eq!((output.stdout.len(), talk(&output)), (0, String::new()));
}

#[test]
fn folder_in_the_place_of_a_file_is_deleted_as_carefully_as_anything_else() {
    for way in WAYS {
        let place = Place::new();
        let (source, target) = (place.source(way), place.target(way));
        write(&source, "a", b"a", at(1));
        write(&source, "b/x", b"x", at(1));
        write(&target, "a/many/files", b"y", at(1));
        write(&target, "a/kept.log", b"z", at(1));
        write(&target, "b", b"b", at(1));
        let before = tree(&target);
        // Three things are to go: b, a/many, a/many/files.
        let refused = place.run(way, &["--delete", "--max-delete", "2", "--exclude", "*.log"]);
        assert_eq!(refused.status.code(), Some(1), "{way:?}");
        assert!(talk(&refused).contains("a: a folder stands in its place, and was not deleted"), "{way:?}");
        assert!(target.join("a/many/files").exists(), "{way:?}");
        let refused = place.run(way, &["--delete", "--max-delete", "0"]);
        assert_eq!(refused.status.code(), Some(1), "{way:?}");
        assert!(target.join("a/many/files").exists(), "{way:?}");
        // What is left out of mirroring keeps the folder.
        let kept = place.run(way, &["--delete", "--exclude", "*.log"]);
        assert_eq!(kept.status.code(), Some(1), "{way:?}");
        assert!(target.join("a/kept.log").exists() && !target.join("a/many").exists(), "{way:?}");
        let dry = place.mirror(way, &["--delete", "--dry-run"]);
        let wet = place.mirror(way, &["--delete", "--max-delete", "3"]);
        for action in ["get", "put", "mkdir", "delete"] {
            assert_eq!(dry.paths(action), wet.paths(action), "{way:?} {action}");
        }
        assert_same(&source, &target);
        assert_ne!(before, tree(&target));
    }
}

#[test]
fn nothing_is_cleared_beyond_what_may_be_deleted() {
    for way in WAYS {
        let place = Place::new();
        for name in ["a", "b"] {
            write(&place.source(way), &format!("{name}/x"), b"x", at(1));
            write(&place.target(way), name, b"old", at(1));
        }
        let output = place.run(way, &["--delete", "--max-delete", "1"]);
        assert_eq!(output.status.code(), Some(1), "{way:?}");
        let target = place.target(way);
        assert_eq!((target.join("a").is_dir(), target.join("b").is_file()), (true, true), "{way:?}");
        place.mirror(way, &["--delete", "--max-delete", "1"]);
        assert_same(&place.source(way), &target);
    }
}
