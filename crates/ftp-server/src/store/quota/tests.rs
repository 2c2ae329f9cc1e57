//! What is counted is what is there, whatever happens at once.

use std::fs;

use super::*;
use crate::store::local::{LocalOptions, LocalStore, Resume, Sync};

struct World {
    folder: tempfile::TempDir,
    tally: Arc<Tally>,
    store: Quoted,
}

fn world(quota: Quota, resume: Resume) -> World {
    let folder = tempfile::tempdir().unwrap();
    let options = LocalOptions { sync: Sync::Never, resume, ..LocalOptions::default() };
    let local: Arc<dyn Store> = Arc::new(LocalStore::open(folder.path(), options).unwrap());
    let tally = Arc::new(Tally::new());
    tally.count(local.as_ref()).unwrap();
    World { store: Quoted::new(local, quota, Arc::clone(&tally)), folder, tally }
}

fn bytes(limit: u64) -> World {
    world(Quota { bytes: Some(limit), files: None }, Resume::InPlace)
}

impl World {
    fn put(&self, name: &str, how: Disposition, length: usize) -> Result<u64> {
        let mut upload = self.store.write(&path(name), how)?;
        for piece in vec![b'x'; length].chunks(7) {
            upload.write(piece)?;
        }
        upload.finish()
    }

    /// What is used, which must be what is there, with nothing reserved.
    fn used(&self) -> (u64, u64) {
        let used = self.tally.used();
        assert_eq!(used, usage(self.store.inner.as_ref()).unwrap(), "what is counted is not what is there");
        assert_eq!((self.tally.claimed(), self.tally.uploads()), (used, 0), "something is kept for nobody");
        (used.bytes, used.files)
    }
}

fn path(name: &str) -> VirtualPath {
    VirtualPath::root().join(name.as_bytes()).unwrap()
}

fn is_exceeded<T>(result: Result<T>) -> bool {
    matches!(result, Err(StoreError::QuotaExceeded))
}

#[test]
fn the_last_byte_is_granted_and_the_next_one_is_not() {
    let world = bytes(100);
    world.put("a", Disposition::Replace, 60).unwrap();
    world.put("b", Disposition::Replace, 40).unwrap();
    assert!(is_exceeded(world.put("c", Disposition::Replace, 1)));
    assert_eq!(world.used(), (100, 2));
    world.put("empty", Disposition::Replace, 0).unwrap();
    assert_eq!(world.used(), (100, 3));
}

#[test]
fn a_file_is_replaced_by_one_of_its_size_also_when_all_is_used() {
    for resume in [Resume::InPlace, Resume::Copy] {
        let world = world(Quota { bytes: Some(100), files: Some(1) }, resume);
        world.put("a", Disposition::Replace, 100).unwrap();
        world.put("a", Disposition::Replace, 100).unwrap();
        assert!(is_exceeded(world.put("a", Disposition::Replace, 101)));
        assert_eq!(world.used(), (100, 1));
        world.put("a", Disposition::From(50), 50).unwrap();
        assert!(is_exceeded(world.put("a", Disposition::Append, 1)));
        assert!(is_exceeded(world.put("b", Disposition::Append, 0)));
        world.put("a", Disposition::From(10), 0).unwrap();
        world.put("a", Disposition::Append, 20).unwrap();
        assert_eq!(world.used(), (30, 1));
    }
}

#[test]
fn two_uploads_are_not_both_credited_with_the_file_that_they_replace() {
    let world = bytes(100);
    world.put("a", Disposition::Replace, 100).unwrap();
    let mut first = world.store.write(&path("a"), Disposition::Replace).unwrap();
    let mut second = world.store.write(&path("a"), Disposition::Replace).unwrap();
    first.write(&[0; 90]).unwrap();
    assert!(is_exceeded(second.write(&[0; 1])), "what the first will make free is not free yet");
    first.finish().unwrap();
    assert!(is_exceeded(second.write(&[0; 11])));
    second.write(&[0; 10]).unwrap();
    second.finish().unwrap();
    assert_eq!(world.used(), (10, 1));
}

#[test]
fn what_goes_while_an_upload_would_replace_it_is_free_once() {
    let world = bytes(100);
    world.put("a", Disposition::Replace, 100).unwrap();
    let mut upload = world.store.write(&path("a"), Disposition::Replace).unwrap();
    upload.write(&[0; 60]).unwrap();
    world.store.remove_file(&path("a")).unwrap();
    assert!(is_exceeded(world.put("b", Disposition::Replace, 41)));
    world.put("b", Disposition::Replace, 40).unwrap();
    upload.finish().unwrap();
    assert_eq!(world.used(), (100, 2));
}

#[test]
fn a_cut_upload_uses_nothing_beside_and_what_came_in_place() {
    let world = bytes(100);
    world.put("a", Disposition::Replace, 10).unwrap();
    for how in [Disposition::Replace, Disposition::Unique, Disposition::Append] {
        let mut upload = world.store.write(&path("a"), how).unwrap();
        upload.write(&[0; 50]).unwrap();
        upload.abandon().unwrap();
    }
    assert_eq!(world.used(), (60, 1));
    drop(world.store.write(&path("b"), Disposition::Replace).unwrap());
    let mut upload = world.store.write(&path("a"), Disposition::From(5)).unwrap();
    upload.write(&[0; 10]).unwrap();
    drop(upload);
    assert_eq!(world.used(), (15, 1));
}

#[test]
fn files_and_directories_are_counted_however_they_come_and_go() {
    let world = world(Quota { bytes: None, files: Some(3) }, Resume::InPlace);
    world.store.make_directory(&path("d")).unwrap();
    world.put("d/a", Disposition::Replace, 1).unwrap();
    world.put("d/b", Disposition::Unique, 2).unwrap();
    assert!(is_exceeded(world.store.make_directory(&path("e"))));
    assert!(is_exceeded(world.put("c", Disposition::Unique, 0)));
    world.store.rename(&path("d/a"), &path("d/b")).unwrap();
    assert_eq!(world.used(), (1, 2));
    assert!(world.store.remove_directory(&path("d")).is_err());
    world.store.remove_file(&path("d/b")).unwrap();
    world.store.remove_directory(&path("d")).unwrap();
    assert_eq!(world.used(), (0, 0));
}

#[test]
fn two_names_of_one_file_stay_when_one_is_renamed_to_the_other() {
    let world = bytes(100);
    world.put("a", Disposition::Replace, 10).unwrap();
    fs::hard_link(world.folder.path().join("a"), world.folder.path().join("b")).unwrap();
    let again = Tally::new();
    again.count(world.store.inner.as_ref()).unwrap();
    let store = Quoted::new(Arc::clone(&world.store.inner), world.store.quota, Arc::new(again));
    store.rename(&path("a"), &path("b")).unwrap();
    assert_eq!(store.tally.used(), Usage { bytes: 20, files: 2 });
    assert_eq!(usage(store.inner.as_ref()).unwrap(), Usage { bytes: 20, files: 2 });
}

#[test]
fn what_is_there_at_the_start_is_counted_without_following_links() {
    let world = bytes(1000);
    world.store.make_directory(&path("d")).unwrap();
    fs::write(world.folder.path().join("d/a"), [0; 70]).unwrap();
    std::os::unix::fs::symlink("d", world.folder.path().join("link")).unwrap();
    std::os::unix::fs::symlink("d/a", world.folder.path().join("file")).unwrap();
    fs::write(world.folder.path().join(".port21-upload-1-1"), [0; 500]).unwrap();
    assert_eq!(usage(world.store.inner.as_ref()).unwrap(), Usage { bytes: 70, files: 4 });
}

#[test]
fn space_is_at_most_what_is_left_of_the_quota() {
    let world = bytes(100);
    world.put("a", Disposition::Replace, 30).unwrap();
    assert_eq!(world.store.space(&VirtualPath::root()).unwrap(), Some(Space { available: 70 }));
}

#[test]
fn no_number_of_sessions_together_gets_beyond_the_limit() {
    let world = world(Quota { bytes: Some(5_000), files: Some(9) }, Resume::InPlace);
    let limits = |used: Usage| used.bytes <= 5_000 && used.files <= 9;
    std::thread::scope(|scope| {
        for session in 0..6_usize {
            let world = &world;
            scope.spawn(move || {
                for round in 0..120_usize {
                    let name = format!("{}", (session * 7 + round * 5) % 11);
                    let how = match (session + round) % 4 {
                        0 | 1 => Disposition::Replace,
                        2 => Disposition::Append,
                        _ => Disposition::Unique,
                    };
                    let _ = world.put(&name, how, (session * 131 + round * 37) % 1500);
                    let _ = match round % 5 {
                        0 => world.store.remove_file(&path(&name)),
                        1 => world.store.rename(&path(&name), &path("0")),
                        2 => world.store.make_directory(&path("directory")),
                        3 => world.store.remove_directory(&path("directory")),
                        _ => Ok(()),
                    };
                    assert!(limits(world.tally.used()));
                }
            });
        }
    });
    let (bytes, files) = world.used();
    assert!(limits(Usage { bytes, files }));
}
