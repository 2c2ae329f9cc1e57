//! How uploads begin, become whole, or are cut.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::store::Target;

fn mode(world: &World, name: &str) -> u32 {
    fs::metadata(world.root().join(name)).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_file_is_replaced_only_when_the_new_one_is_whole() {
    let world = World::new();
    let store = world.store_with(LocalOptions::default());
    let mut upload = store.write(&path("/pub/file"), Disposition::Replace).unwrap();
    upload.write(b"new ").unwrap();
    assert_eq!(world.content("pub/file"), b"public");
    assert_eq!(upload.target().unwrap(), Target::Aside { length: 4, replaces: Some(6) });
    upload.write(b"content").unwrap();
    assert_eq!(upload.finish().unwrap(), 11);
    assert_eq!(world.content("pub/file"), b"new content");
}

#[test]
fn an_upload_under_way_is_seen_by_nobody() {
    let world = World::new();
    let store = world.store();
    let upload = store.write(&path("/pub/new"), Disposition::Replace).unwrap();
    assert_eq!(listed(&store, &path("/pub")), ["deep", "file"]);
    let hidden = world.names("pub").into_iter().find(|name| name.starts_with('.')).unwrap();
    let hidden = path(&format!("/pub/{hidden}"));
    assert!(matches!(store.read(&hidden), Err(StoreError::NotFound)));
    assert!(matches!(store.metadata(&hidden), Err(StoreError::NotFound)));
    assert!(matches!(store.remove_file(&hidden), Err(StoreError::NotFound)));
    assert!(matches!(store.rename(&hidden, &path("/stolen")), Err(StoreError::NotFound)));
    assert!(store.write(&hidden, Disposition::Append).is_err());
    drop(upload);
    assert_eq!(world.names("pub"), ["deep", "file"]);
}

#[test]
fn a_cut_upload_leaves_the_old_file_and_nothing_else() {
    let world = World::new();
    let store = world.store();
    for how in [Disposition::Replace, Disposition::Unique] {
        let mut upload = store.write(&path("/pub/file"), how).unwrap();
        upload.write(b"half").unwrap();
        assert_eq!(upload.abandon().unwrap(), None);
    }
    assert_eq!(world.content("pub/file"), b"public");
    assert_eq!(world.names("pub"), ["deep", "file"]);
}

#[test]
fn a_cut_upload_is_kept_if_the_store_was_told_so() {
    let world = World::new();
    let store = world.store_with(LocalOptions { keep_cut_uploads: true, ..LocalOptions::default() });
    let mut upload = store.write(&path("/new"), Disposition::Replace).unwrap();
    upload.write(b"half").unwrap();
    assert_eq!(upload.abandon().unwrap(), Some(4));
    assert_eq!(world.content("new"), b"half");
    assert_eq!(write_all(&store, &path("/new"), Disposition::From(4), b" whole").unwrap(), 10);
    assert_eq!(world.content("new"), b"half whole");
}

#[test]
fn appending_and_restarting_write_where_they_should() {
    for resume in [Resume::InPlace, Resume::Copy] {
        let world = World::new();
        let store = world.store_with(LocalOptions { resume, ..LocalOptions::default() });
        let file = path("/pub/file");
        assert_eq!(write_all(&store, &file, Disposition::Append, b" file").unwrap(), 11);
        assert_eq!(world.content("pub/file"), b"public file");
        assert_eq!(write_all(&store, &file, Disposition::From(3), b"lished").unwrap(), 9);
        assert_eq!(world.content("pub/file"), b"published");
        write_all(&store, &path("/made"), Disposition::Append, b"x").unwrap();
        assert_eq!(world.content("made"), b"x");
        let beyond = store.write(&file, Disposition::From(11)).err();
        assert!(matches!(beyond, Some(StoreError::BehindEnd { offset: 11, length: 9 })), "{beyond:?}");
        assert!(matches!(
            store.write(&path("/none"), Disposition::From(1)).err(),
            Some(StoreError::BehindEnd { .. })
        ));
    }
}

#[test]
fn a_cut_restart_keeps_what_came_in_place_and_changes_nothing_in_a_copy() {
    for (resume, left) in [(Resume::InPlace, &b"pubXX"[..]), (Resume::Copy, b"public")] {
        let world = World::new();
        let store = world.store_with(LocalOptions { resume, ..LocalOptions::default() });
        let mut upload = store.write(&path("/pub/file"), Disposition::From(3)).unwrap();
        upload.write(b"XX").unwrap();
        upload.abandon().unwrap();
        assert_eq!(world.content("pub/file"), left);
    }
}

#[test]
fn two_do_not_write_into_one_file_at_once() {
    let world = World::new();
    let store = world.store();
    let _first = store.write(&path("/pub/file"), Disposition::Append).unwrap();
    assert!(matches!(store.write(&path("/pub/file"), Disposition::Append).err(), Some(StoreError::Busy)));
}

#[test]
fn unique_names_are_promised_once() {
    let world = World::new();
    let store = world.store();
    let uploads: Vec<_> =
        (0..3).map(|_| store.write(&path("/pub/file"), Disposition::Unique).unwrap()).collect();
    let names: Vec<_> = uploads.iter().map(|upload| upload.path().clone()).collect();
    assert_eq!(names, [path("/pub/file.1"), path("/pub/file.2"), path("/pub/file.3")]);
    for upload in uploads {
        upload.finish().unwrap();
    }
    assert_eq!(world.names("pub"), ["deep", "file", "file.1", "file.2", "file.3"]);
    // Somebody else took the name meanwhile: his file stays.
    let upload = store.write(&path("/new"), Disposition::Unique).unwrap();
    assert_eq!(upload.path(), &path("/new"));
    fs::write(world.root().join("new"), b"his").unwrap();
    assert!(matches!(upload.finish(), Err(StoreError::Exists)));
    assert_eq!(world.content("new"), b"his");
    assert!(store.0.promised.lock().unwrap().is_empty());
}

#[test]
fn new_entries_have_the_mode_of_the_umask_and_replaced_files_keep_theirs() {
    let world = World::new();
    let store = world.store_with(LocalOptions { umask: 0o137, ..LocalOptions::default() });
    write_all(&store, &path("/new"), Disposition::Replace, b"").unwrap();
    store.make_directory(&path("/folder")).unwrap();
    assert_eq!((mode(&world, "new"), mode(&world, "folder")), (0o640, 0o640));
    store.set_mode(&path("/pub/file"), 0o600).unwrap();
    write_all(&store, &path("/pub/file"), Disposition::Replace, b"").unwrap();
    assert_eq!(mode(&world, "pub/file"), 0o600);
}

#[test]
fn nobody_can_make_a_file_run_as_its_owner() {
    let world = World::new();
    for bits in [0o4755, 0o2755, 0o6000] {
        assert!(matches!(world.store().set_mode(&path("/pub/file"), bits), Err(StoreError::NotPermitted)));
    }
}

#[test]
fn times_are_set_on_files_and_directories_also_without_proc() {
    let world = World::new();
    let store = world.store();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400 * 365);
    for name in ["/pub/file", "/pub"] {
        store.set_modified(&path(name), time).unwrap();
        assert_eq!(store.metadata(&path(name)).unwrap().modified, Some(time));
    }
    let later = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: 7, tv_nsec: 0 },
    };
    let missing = |_: &str| Err(Errno::NOENT);
    store.0.change(&path("/pub/file"), missing, |file| futimens(file, &later)).unwrap();
    let seven = SystemTime::UNIX_EPOCH + Duration::from_secs(7);
    assert_eq!(store.metadata(&path("/pub/file")).unwrap().modified, Some(seven));
}

#[test]
fn a_link_is_written_through_where_links_are_followed() {
    let world = World::new();
    world.link("within", "pub/file");
    world.link("dangling", "pub/made");
    world.link("out", "../outside/file");
    for (links, way, store) in world.stores() {
        let written = write_all(&store, &path("/within"), Disposition::Replace, way.as_bytes());
        assert_eq!(written.is_ok(), links == Links::Beneath, "{links:?} {way}");
        let made = write_all(&store, &path("/dangling"), Disposition::Replace, way.as_bytes());
        assert_eq!(made.is_ok(), links == Links::Beneath, "{links:?} {way}");
        assert!(matches!(
            store.write(&path("/out"), Disposition::Replace).err(),
            Some(StoreError::NotPermitted)
        ));
    }
    assert_eq!(world.content("pub/file"), b"walk");
    assert_eq!(world.content("pub/made"), b"walk");
    assert!(fs::symlink_metadata(world.root().join("within")).unwrap().is_symlink());
}

#[test]
fn stale_uploads_are_removed_and_those_under_way_are_not() {
    let world = World::new();
    let store = world.store();
    let upload = store.write(&path("/pub/deep/new"), Disposition::Replace).unwrap();
    fs::write(world.root().join("pub/deep/.port21-upload-1-1"), b"left behind").unwrap();
    assert_eq!(store.remove_stale_uploads(), 1);
    assert_eq!(world.names("pub/deep").len(), 1);
    upload.finish().unwrap();
    assert_eq!(world.names("pub/deep"), ["new"]);
}

#[test]
fn uploads_that_begin_while_stale_ones_are_looked_for_are_not_taken_for_stale() {
    let world = World::new();
    let store = world.store();
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    store.remove_stale_uploads();
                }
            });
        }
        for number in 0..2000 {
            let name = path(&format!("/pub/deep/{}", number % 10));
            let written = write_all(&store, &name, Disposition::Replace, b"whole");
            over.store(written.is_err() || number == 1999, std::sync::atomic::Ordering::Relaxed);
            written.unwrap();
        }
    });
    assert_eq!(world.names("pub/deep").len(), 10);
}

#[test]
fn a_directory_that_looks_empty_can_be_removed() {
    let world = World::new();
    let store = world.store();
    fs::write(world.root().join("pub/deep/.port21-upload-1-1"), b"left behind").unwrap();
    store.remove_directory(&path("/pub/deep")).unwrap();
    assert!(matches!(store.remove_directory(&path("/pub")), Err(StoreError::NotEmpty)));
}

#[test]
fn space_is_what_the_file_system_says() {
    assert!(World::new().store().space(&VirtualPath::root()).unwrap().unwrap().available > 0);
}
