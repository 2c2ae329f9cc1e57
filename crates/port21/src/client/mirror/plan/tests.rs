use super::super::item::Stamp;
use super::*;

/// `name`, `name/`, `name@`; the size; the time.
fn item(name: &str, size: u64, time: i64) -> Item {
    let (name, kind) = match name.strip_suffix('/') {
        Some(name) => (name, Kind::Folder),
        None => name.strip_suffix('@').map_or((name, Kind::File), |name| (name, Kind::Link)),
    };
    let time = Some(Stamp { start: time, width: 1 });
    Item { name: name.into(), kind, size: Some(size), time, mode: None }
}

/// The actions as lines.
fn lines(source: &[Item], target: &[Item], rules: &Rules) -> Vec<String> {
    let actions = plan(b"", source.to_vec(), target.to_vec(), rules, &|_, _, _| false);
    actions.iter().map(line).collect()
}

fn line(action: &Action) -> String {
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    match action {
        Action::Enter { item, is_there: true, .. } => format!("enter {}", text(&item.name)),
        Action::Enter { item, is_there: false, .. } => format!("make {}", text(&item.name)),
        Action::Transfer { item, reason, partial: None } => {
            format!("transfer {} {}", text(&item.name), reason.word())
        }
        Action::Transfer { item, partial: Some(size), .. } => format!("resume {} {size}", text(&item.name)),
        Action::Adjust { item, time, mode } => format!("adjust {} {time} {mode}", text(&item.name)),
        Action::Clear(item) => format!("clear {}", text(&item.name)),
        Action::Follow { item, .. } => format!("follow {}", text(&item.name)),
        Action::Delete(item) => format!("delete {}", text(&item.name)),
        Action::Keep => "keep".into(),
        Action::Refuse { name, .. } => format!("refuse {}", text(name)),
        Action::Skip { name, .. } => format!("skip {}", text(name)),
    }
}

fn with(compare: Compare) -> Rules {
    Rules { compare, times: true, ..Rules::default() }
}

fn deleting() -> Rules {
    Rules { delete: true, ..with(Compare::SizeAndTime) }
}

#[test]
fn files_are_compared_as_asked_for() {
    let older = item("a", 5, 100);
    let same = item("a", 5, 200);
    let newer = item("a", 5, 300);
    let longer = item("a", 6, 200);
    for (compare, old, expected) in [
        (Compare::SizeAndTime, &same, "keep"),
        (Compare::SizeAndTime, &older, "transfer a time"),
        (Compare::SizeAndTime, &newer, "transfer a time"),
        (Compare::SizeAndTime, &longer, "transfer a size"),
        (Compare::Size, &same, "keep"),
        (Compare::Size, &older, "adjust a true false"),
        (Compare::Size, &longer, "transfer a size"),
        (Compare::Newer, &same, "keep"),
        (Compare::Newer, &older, "transfer a newer"),
        (Compare::Newer, &newer, "keep"),
        (Compare::Newer, &longer, "keep"),
        (Compare::Content, &same, "transfer a content"),
        (Compare::Content, &longer, "transfer a size"),
        (Compare::Nothing, &same, "transfer a asked"),
    ] {
        assert_eq!(
            lines(std::slice::from_ref(&same), std::slice::from_ref(old), &with(compare)),
            [expected],
            "{compare:?} {old:?}"
        );
    }
}

#[test]
fn what_is_not_told_differs_from_nothing() {
    let unknown = Item { size: None, time: None, ..item("a", 0, 0) };
    assert_eq!(
        lines(std::slice::from_ref(&unknown), &[item("a", 5, 5)], &with(Compare::SizeAndTime)),
        ["keep"]
    );
    assert_eq!(lines(&[unknown], &[item("a", 5, 5)], &with(Compare::Newer)), ["transfer a newer"]);
}

#[test]
fn missing_things_are_made_in_the_order_of_their_names() {
    let source = [item("c/", 0, 0), item("b", 1, 1), item("a", 1, 1)];
    assert_eq!(
        lines(&source, &[], &with(Compare::SizeAndTime)),
        ["transfer a missing", "transfer b missing", "make c"]
    );
    assert_eq!(lines(&source, &source, &with(Compare::SizeAndTime)), ["keep", "keep", "enter c"]);
}

#[test]
fn only_what_the_source_lacks_is_deleted_and_only_if_asked_for() {
    let source = [item("a", 1, 1)];
    let target = [item("a", 1, 1), item("old", 1, 1), item("folder/", 0, 0), item("link@", 0, 0)];
    assert_eq!(lines(&source, &target, &with(Compare::SizeAndTime)), ["keep"]);
    assert_eq!(lines(&source, &target, &deleting()), ["keep", "delete folder", "delete link", "delete old"]);
}

#[test]
fn what_is_left_out_is_neither_transferred_nor_deleted() {
    let rules = Rules { filter: Filter::of(&["-*.o", "-cache/"]), ..deleting() };
    let source = [item("a.o", 1, 1), item("b", 1, 1)];
    let target = [item("c.o", 1, 1), item("cache/", 0, 0), item("d", 1, 1)];
    assert_eq!(lines(&source, &target, &rules), ["transfer b missing", "delete d"]);
}

#[test]
fn patterns_see_the_path_from_the_root() {
    let rules = Rules { filter: Filter::of(&["-/sub/a"]), ..Rules::default() };
    let found = plan(b"sub/", vec![item("a", 1, 1), item("b", 1, 1)], Vec::new(), &rules, &|_, _, _| false);
    assert_eq!(found.iter().map(line).collect::<Vec<_>>(), ["transfer b missing"]);
}

#[test]
fn what_can_have_no_name_here_is_not_deleted_where_it_is() {
    let rules = Rules { names_here: true, ..deleting() };
    let source = [item("con/", 0, 0), item("a\\b", 1, 1), item("../x", 1, 1), item("c.partial", 1, 1)];
    let target = [item("con/", 0, 0), item("a\\b", 1, 1), item("x", 1, 1)];
    assert_eq!(
        lines(&source, &target, &rules),
        ["refuse ../x", "refuse a\\b", "skip c.partial", "refuse con", "delete x"]
    );
    assert_eq!(lines(&source[..2], &target[..2], &deleting()), ["keep", "enter con"]);
}

#[test]
fn other_kind_is_removed_only_with_delete() {
    for (new, old) in [("a/", "a"), ("a", "a/"), ("a", "a@"), ("a/", "a@")] {
        let (source, target) = ([item(new, 1, 1)], [item(old, 1, 1)]);
        assert_eq!(lines(&source, &target, &with(Compare::SizeAndTime)), ["refuse a"], "{new} {old}");
        let expected = match (new, old) {
            ("a", "a/") => ["delete a", "follow a"],
            ("a", _) => ["clear a", "transfer a missing"],
            _ => ["clear a", "make a"],
        };
        assert_eq!(lines(&source, &target, &deleting()), expected, "{new} {old}");
    }
}

#[test]
fn unfinished_files_are_resumed_kept_for_it_and_otherwise_deleted() {
    let target = [item("a.partial", 7, 1), item("b.partial", 7, 1), item("c.partial", 7, 1), item("c", 1, 1)];
    let source = [item("a", 9, 1), item("c", 1, 1)];
    assert_eq!(
        lines(&source, &target, &deleting()),
        ["resume a 7", "keep", "delete b.partial", "delete c.partial"]
    );
    assert_eq!(lines(&source, &target, &with(Compare::SizeAndTime)), ["resume a 7", "keep"]);
    assert_eq!(
        lines(&[item("x.partial", 1, 1)], &[item("x.partial", 1, 1)], &deleting()),
        ["skip x.partial"]
    );
}

#[test]
fn state_files_are_seen_on_neither_side() {
    let ours = item(".port21-mirror-01234567", 1, 1);
    assert_eq!(lines(std::slice::from_ref(&ours), std::slice::from_ref(&ours), &deleting()), [""; 0]);
    assert_eq!(lines(&[], &[ours], &deleting()), [""; 0]);
}

#[test]
fn links_are_skipped_and_keep_their_place() {
    let source = [item("a@", 1, 1)];
    assert_eq!(lines(&source, &[], &Rules::default()), ["skip a"]);
    assert_eq!(
        lines(&source, &[item("a", 1, 1)], &deleting()),
        ["skip a"],
        "what it may have led to is kept"
    );
}

#[test]
fn names_that_stand_twice_are_refused() {
    let source = [item("a", 1, 1), item("a", 2, 2), item("A", 3, 3)];
    assert_eq!(
        lines(&source, &[], &Rules::default()),
        ["transfer A missing", "transfer a missing", "refuse a"]
    );
    let folding = Rules { folds_case: true, ..Rules::default() };
    assert_eq!(lines(&source, &[], &folding), ["transfer A missing", "refuse a", "refuse a"]);
    assert_eq!(lines(&[item("a", 1, 1)], &[item("A", 1, 1)], &Rules { delete: true, ..folding }), ["keep"]);
}

#[test]
fn modes_are_adjusted_as_far_as_the_umask_lets_them() {
    let with_mode = |mode| Item { mode: Some(mode), ..item("a", 1, 1) };
    let rules = Rules { modes: true, umask: 0o022, ..Rules::default() };
    assert_eq!(lines(&[with_mode(0o666)], &[with_mode(0o644)], &rules), ["keep"]);
    assert_eq!(lines(&[with_mode(0o755)], &[with_mode(0o644)], &rules), ["adjust a false true"]);
    assert_eq!(lines(&[with_mode(0o755)], &[with_mode(0o644)], &Rules::default()), ["keep"]);
    assert_eq!(lines(&[item("a", 1, 1)], &[with_mode(0o644)], &rules), ["keep"], "a mode that is not told");
}

#[test]
fn what_was_sent_before_is_known_though_its_time_could_not_be_set() {
    let known: Known<'_> = &|path, new, old| path == b"a" && new.size == old.size;
    let plan = |target| plan(b"", vec![item("a", 1, 100)], vec![target], &with(Compare::SizeAndTime), known);
    assert_eq!(plan(item("a", 1, 900)), [Action::Keep]);
    assert_eq!(line(&plan(item("a", 2, 900))[0]), "transfer a size");
}
