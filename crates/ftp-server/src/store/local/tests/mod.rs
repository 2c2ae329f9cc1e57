//! A directory beside which lies what no client may reach, and stores on it.

mod jail;
mod race;
mod uploads;
mod whole;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

use super::*;

/// What lies outside of the root, and must never be read.
const SECRET: &[u8] = b"secret";

/// A root with some files, and a neighbour.
struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(world.root().join("pub/deep")).unwrap();
        fs::create_dir_all(world.outside()).unwrap();
        fs::write(world.outside().join("file"), SECRET).unwrap();
        fs::write(world.root().join("pub/file"), b"public").unwrap();
        world
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn outside(&self) -> PathBuf {
        self.folder.path().join("outside")
    }

    fn link(&self, name: &str, target: &str) {
        symlink(target, self.root().join(name)).unwrap();
    }

    fn store(&self) -> LocalStore {
        self.store_with(LocalOptions { sync: Sync::Never, ..LocalOptions::default() })
    }

    fn store_with(&self, options: LocalOptions) -> LocalStore {
        LocalStore::open(&self.root(), options).unwrap()
    }

    /// A store of each kind: links followed or not, the kernel finds paths or the walk does.
    fn stores(&self) -> Vec<(Links, &'static str, LocalStore)> {
        let mut stores = Vec::new();
        for links in [Links::Never, Links::Beneath] {
            let options = LocalOptions { links, sync: Sync::Never, ..LocalOptions::default() };
            stores.push((links, "kernel", self.store_with(options.clone())));
            let store = self.store_with(options);
            store.0.jail.walk_from_now_on();
            stores.push((links, "walk", store));
        }
        stores
    }

    fn content(&self, name: &str) -> Vec<u8> {
        fs::read(self.root().join(name)).unwrap()
    }

    /// Names in a directory of the root, those of uploads under way too.
    fn names(&self, name: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root().join(name)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn path(text: &str) -> VirtualPath {
    VirtualPath::root().join(text.as_bytes()).unwrap()
}

fn read_all(store: &dyn Store, path: &VirtualPath) -> Result<Vec<u8>> {
    let file = store.read(path)?;
    let mut content = vec![0; usize::try_from(file.metadata().size).unwrap()];
    let length = file.read_at(&mut content, 0)?;
    content.truncate(length);
    Ok(content)
}

fn write_all(store: &dyn Store, path: &VirtualPath, how: Disposition, bytes: &[u8]) -> Result<u64> {
    let mut file = store.write(path, how)?;
    file.write(bytes)?;
    file.finish()
}

fn listed(store: &dyn Store, path: &VirtualPath) -> Vec<String> {
    let entries = store.list(path).unwrap().map(|entry| entry.unwrap().name);
    let mut names: Vec<String> = entries.map(|name| String::from_utf8_lossy(&name).into_owned()).collect();
    names.sort();
    names
}
