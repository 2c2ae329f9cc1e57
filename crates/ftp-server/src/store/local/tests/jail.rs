//! Paths that try to leave the root, and those that only look like it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;

use super::*;

/// What reading a path gives: the public file where links are followed, or where they are not.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Seen {
    Public,
    Nothing,
}
use Seen::{Nothing, Public};

/// Path, what is seen without links, and with links that stay beneath the root.
const TABLE: &[(&str, Seen, Seen)] = &[
    ("/pub/file", Public, Public),
    ("pub/./file", Public, Public),
    ("pub//file", Public, Public),
    ("/pub/deep/../file", Public, Public),
    ("/missing/../pub/file", Public, Public),
    ("/../../pub/file", Public, Public),
    ("..", Nothing, Nothing),
    ("../outside/file", Nothing, Nothing),
    ("../../../../../../../../etc/passwd", Nothing, Nothing),
    ("/pub/../../outside/file", Nothing, Nothing),
    ("/pub/deep/../../../outside/file", Nothing, Nothing),
    ("/etc/passwd", Nothing, Nothing),
    ("//etc/passwd", Nothing, Nothing),
    ("/proc/self/root/etc/passwd", Nothing, Nothing),
    ("/proc/self/cwd", Nothing, Nothing),
    ("%2e%2e/outside/file", Nothing, Nothing),
    ("..%2foutside%2ffile", Nothing, Nothing),
    ("%252e%252e%252foutside%252ffile", Nothing, Nothing),
    ("..\\outside\\file", Nothing, Nothing),
    (".. /outside/file", Nothing, Nothing),
    ("... /outside/file", Nothing, Nothing),
    (".../outside/file", Nothing, Nothing),
    ("..;/outside/file", Nothing, Nothing),
    ("\u{ff0e}\u{ff0e}/outside/file", Nothing, Nothing),
    ("\u{2025}/outside/file", Nothing, Nothing),
    ("..\u{2215}outside\u{2215}file", Nothing, Nothing),
    ("~/file", Nothing, Nothing),
    ("~root/.profile", Nothing, Nothing),
    ("*/file", Nothing, Nothing),
    ("within", Nothing, Public),
    ("chain", Nothing, Public),
    ("up-and-down", Nothing, Public),
    ("pub/deep/up", Nothing, Public),
    ("directory/file", Nothing, Public),
    ("directory/deep/../file", Nothing, Public),
    ("out", Nothing, Nothing),
    ("out-directory/file", Nothing, Nothing),
    ("out-directory/../outside/file", Nothing, Nothing),
    ("absolute", Nothing, Nothing),
    ("absolute-within", Nothing, Nothing),
    ("out-and-back", Nothing, Nothing),
    ("via-out", Nothing, Nothing),
    ("loop", Nothing, Nothing),
    ("loop/file", Nothing, Nothing),
    ("long-loop-a", Nothing, Nothing),
    ("proc/self/root/etc/passwd", Nothing, Nothing),
    ("proc-root/etc/passwd", Nothing, Nothing),
    ("proc-descriptor", Nothing, Nothing),
    ("dangling", Nothing, Nothing),
    ("empty-up", Nothing, Nothing),
    ("pub/file/", Public, Public),
    ("pub/file/.", Public, Public),
    ("pub/file/file", Nothing, Nothing),
];

fn world_of_links() -> World {
    let world = World::new();
    for (name, target) in [
        ("within", "pub/file"),
        ("chain", "within"),
        ("up-and-down", "pub/deep/../../pub/./file"),
        ("pub/deep/up", "../file"),
        ("directory", "pub"),
        ("out", "../outside/file"),
        ("out-directory", "../outside"),
        ("out-and-back", "../root/pub/file"),
        ("via-out", "pub/../../root/pub/file"),
        ("loop", "loop"),
        ("long-loop-a", "long-loop-b"),
        ("long-loop-b", "./long-loop-a"),
        ("proc", "/proc"),
        ("proc-root", "/proc/self/root"),
        ("proc-descriptor", "/proc/self/fd/0"),
        ("dangling", "pub/missing"),
        ("empty-up", ".."),
    ] {
        world.link(name, target);
    }
    world.link("absolute", world.outside().join("file").to_str().unwrap());
    world.link("absolute-within", world.root().join("pub/file").to_str().unwrap());
    world
}

#[test]
fn no_path_reads_what_lies_outside() {
    let world = world_of_links();
    for (links, way, store) in world.stores() {
        for &(text, without, with) in TABLE {
            let expected = if links == Links::Never { without } else { with };
            let seen = match read_all(&store, &path(text)) {
                Ok(content) if content == b"public" => Public,
                Ok(content) => panic!("{text} gave {content:?} ({links:?}, {way})"),
                Err(_) => Nothing,
            };
            assert_eq!(seen, expected, "{text} ({links:?}, {way})");
        }
    }
}

#[test]
fn no_path_writes_changes_or_removes_what_lies_outside() {
    for number in 0..4 {
        let world = world_of_links();
        let (links, way, store) = world.stores().swap_remove(number);
        for &(text, ..) in TABLE {
            let target = path(text);
            for how in [Disposition::Append, Disposition::From(2), Disposition::Unique, Disposition::Replace]
            {
                let _ = write_all(&store, &target, how, b"public");
            }
            let _ = store.set_mode(&target, 0o600);
            let _ = store.set_modified(&target, SystemTime::UNIX_EPOCH);
            let _ = store.list(&target).map(|entries| entries.count());
            let _ = store.make_directory(&target.join(b"made").unwrap());
            let _ = store.rename(&target, &path("/moved"));
            let _ = store.rename(&path("/moved"), &target);
            if target != path("/pub/file") {
                let _ = store.remove_file(&target);
                let _ = store.remove_directory(&target);
            }
            assert_eq!(fs::read(world.outside().join("file")).unwrap(), SECRET, "{text} ({links:?}, {way})");
            let facts = fs::metadata(world.outside().join("file")).unwrap();
            assert!(facts.modified().unwrap() > SystemTime::UNIX_EPOCH + Duration::from_secs(1), "{text}");
            assert_eq!(fs::read_dir(world.outside()).unwrap().count(), 1, "{text} ({links:?}, {way})");
            assert_eq!(fs::read_dir(world.folder.path()).unwrap().count(), 2, "{text} ({links:?}, {way})");
        }
    }
}

#[test]
fn what_cannot_be_followed_is_told_as_a_link_with_its_target() {
    let world = world_of_links();
    for (links, way, store) in world.stores() {
        for (name, kind_when_followed) in [
            ("within", Kind::File),
            ("directory", Kind::Directory),
            ("out", Kind::Link),
            ("dangling", Kind::Link),
        ] {
            let expected = if links == Links::Never { Kind::Link } else { kind_when_followed };
            let told = store.metadata(&path(name)).unwrap();
            assert_eq!(told.kind, expected, "{name} ({links:?}, {way})");
            assert!(told.target.is_some());
            let entries = store.list(&VirtualPath::root()).unwrap().map(Result::unwrap);
            let entry = entries.into_iter().find(|entry| entry.name == name.as_bytes()).unwrap();
            assert_eq!(entry.metadata, told, "{name} ({links:?}, {way})");
        }
    }
}

#[test]
fn devices_pipes_and_sockets_are_listed_and_not_opened() {
    let world = World::new();
    let root = LocalStore::open(Path::new("/dev"), LocalOptions::default()).unwrap();
    assert!(matches!(root.read(&path("null")), Err(StoreError::NotRegular)));
    assert!(matches!(root.write(&path("null"), Disposition::Append).err(), Some(StoreError::NotRegular)));
    let _listener = UnixListener::bind(world.root().join("socket")).unwrap();
    let pipe = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(CWD, world.root().join("pipe"), pipe, Mode::RWXU, 0).unwrap();
    for (_, _, store) in world.stores() {
        for name in ["pipe", "socket"] {
            assert_eq!(store.metadata(&path(name)).unwrap().kind, Kind::Other);
            assert!(matches!(store.read(&path(name)), Err(StoreError::NotRegular)), "{name}");
            for how in [Disposition::Replace, Disposition::Append, Disposition::From(0)] {
                assert!(
                    matches!(store.write(&path(name), how).err(), Some(StoreError::NotRegular)),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn names_are_bytes() {
    let world = World::new();
    let store = world.store();
    let latin = VirtualPath::root().join(b"gr\xfc\xdfe; rm *").unwrap();
    write_all(&store, &latin, Disposition::Replace, b"x").unwrap();
    assert!(world.root().join(OsStr::from_bytes(b"gr\xfc\xdfe; rm *")).exists());
    let mut entries = store.list(&VirtualPath::root()).unwrap().map(Result::unwrap);
    assert!(entries.any(|entry| entry.name == b"gr\xfc\xdfe; rm *"));
    assert_eq!(read_all(&store, &latin).unwrap(), b"x");
}

#[test]
fn the_root_itself_cannot_be_removed_renamed_or_replaced() {
    let world = World::new();
    for (_, _, store) in world.stores() {
        let root = VirtualPath::root();
        assert!(store.remove_directory(&root).is_err());
        assert!(store.rename(&root, &path("/pub/inner")).is_err());
        assert!(store.rename(&path("/pub"), &root).is_err());
        assert!(store.write(&root, Disposition::Replace).is_err());
        assert_eq!(store.metadata(&root).unwrap().kind, Kind::Directory);
    }
}

#[test]
fn a_way_through_too_many_directories_is_refused_and_not_followed_for_ever() {
    let world = World::new();
    let store = world.stores().pop().unwrap().2;
    let deep = path(&"a/".repeat(1500));
    assert!(matches!(store.read(&deep), Err(StoreError::NotFound)));
    let mut folder = world.root();
    for _ in 0..260 {
        folder.push("a");
    }
    fs::create_dir_all(&folder).unwrap();
    assert!(matches!(store.metadata(&path(&"a/".repeat(259))), Err(StoreError::BadName(_))));
}
