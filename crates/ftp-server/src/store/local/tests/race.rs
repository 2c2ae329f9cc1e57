//! Somebody swaps a directory for a link that leads out, over and over, while files are read and written.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rustix::fs::{RenameFlags, renameat_with};

use super::*;

const MOST_ROUNDS: u32 = 100_000;
const LONGEST: Duration = Duration::from_secs(2);

/// Works on `store` until the bounds are reached, while `door` is a directory and a link to the outside by turns. Gives how
/// often something was read.
fn race(world: &World, store: &LocalStore) -> u32 {
    let stop = AtomicBool::new(false);
    let (door, other) = (world.root().join("door"), world.root().join("other"));
    let (mut reads, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                renameat_with(CWD, &door, CWD, &other, RenameFlags::EXCHANGE).unwrap();
            }
        });
        let start = Instant::now();
        for round in 0..MOST_ROUNDS {
            match read_all(store, &path("/door/deep/file")) {
                Ok(content) => {
                    // Empty, if it is read just when a write in place has cut it.
                    assert!(content != SECRET && content != b"deep secret", "{content:?}");
                    reads += 1;
                }
                Err(_) => refused += 1,
            }
            let how = if round % 2 == 0 { Disposition::Replace } else { Disposition::Append };
            let _ = write_all(store, &path("/door/deep/written"), how, b"x");
            let _ = store.set_mode(&path("/door/deep/file"), 0o640);
            let _ = store.make_directory(&path("/door/deep/made"));
            let _ = store.rename(&path("/door/deep/written"), &path("/door/deep/renamed"));
            let _ = store.remove_file(&path("/door/deep/renamed"));
            let _ = store.list(&path("/door/deep")).map(|entries| {
                for entry in entries.flatten() {
                    assert_ne!(entry.name, b"only-outside");
                }
            });
            if start.elapsed() > LONGEST {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(refused > 0, "the link was never met: this proves nothing");
    reads
}

#[test]
fn a_directory_that_becomes_a_link_leads_nobody_out() {
    for number in 0..4 {
        let world = World::new();
        fs::create_dir_all(world.root().join("door/deep")).unwrap();
        fs::write(world.root().join("door/deep/file"), b"inside").unwrap();
        fs::create_dir_all(world.outside().join("deep")).unwrap();
        fs::write(world.outside().join("deep/file"), b"deep secret").unwrap();
        fs::write(world.outside().join("deep/only-outside"), b"").unwrap();
        world.link("other", "../outside");
        let (links, way, store) = world.stores().swap_remove(number);
        let before = fs::metadata(world.outside().join("deep/file")).unwrap();
        assert!(race(&world, &store) > 0, "the directory was never met ({links:?}, {way})");
        let after = fs::metadata(world.outside().join("deep/file")).unwrap();
        assert_eq!(fs::read(world.outside().join("deep/file")).unwrap(), b"deep secret");
        assert_eq!(before.permissions(), after.permissions(), "({links:?}, {way})");
        assert_eq!(fs::read_dir(world.outside().join("deep")).unwrap().count(), 2, "({links:?}, {way})");
    }
}
