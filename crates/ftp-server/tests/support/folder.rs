//! A folder as a store, as plain as can be: what the driver is tested with is not what serves.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ftp_server::store::{
    Disposition, Entry, Kind, Metadata, ReadFile, Result, Space, Store, StoreError, Target, VirtualPath,
    WriteFile,
};

pub struct Folder(pub PathBuf);

impl Folder {
    fn path(&self, path: &VirtualPath) -> PathBuf {
        self.0.join(std::ffi::OsStr::from_bytes(path.relative()))
    }
}

fn failed(error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::NotFound => StoreError::NotFound,
        io::ErrorKind::PermissionDenied => StoreError::NotPermitted,
        io::ErrorKind::AlreadyExists => StoreError::Exists,
        io::ErrorKind::DirectoryNotEmpty => StoreError::NotEmpty,
        io::ErrorKind::NotADirectory => StoreError::NotADirectory,
        io::ErrorKind::IsADirectory => StoreError::IsADirectory,
        _ => StoreError::Io(error),
    }
}

fn describe(metadata: &fs::Metadata) -> Metadata {
    Metadata {
        kind: if metadata.is_dir() { Kind::Directory } else { Kind::File },
        size: metadata.len(),
        modified: metadata.modified().ok(),
        created: None,
        mode: Some(metadata.permissions().mode() & 0o7777),
        owner: Some(metadata.uid().to_string()),
        group: Some(metadata.gid().to_string()),
        links: Some(metadata.nlink()),
        unique: Some(format!("{:x}g{:x}", metadata.dev(), metadata.ino())),
        target: None,
    }
}

impl Store for Folder {
    fn metadata(&self, path: &VirtualPath) -> Result<Metadata> {
        Ok(describe(&fs::metadata(self.path(path)).map_err(failed)?))
    }

    fn list(&self, path: &VirtualPath) -> Result<Box<dyn Iterator<Item = Result<Entry>> + Send>> {
        let entries = fs::read_dir(self.path(path)).map_err(failed)?;
        Ok(Box::new(entries.map(|entry| {
            let entry = entry.map_err(failed)?;
            let metadata = describe(&entry.metadata().map_err(failed)?);
            Ok(Entry { name: entry.file_name().as_bytes().to_vec(), metadata })
        })))
    }

    fn read(&self, path: &VirtualPath) -> Result<Box<dyn ReadFile>> {
        let file = File::open(self.path(path)).map_err(failed)?;
        let metadata = describe(&file.metadata().map_err(failed)?);
        if metadata.kind == Kind::Directory {
            return Err(StoreError::IsADirectory);
        }
        Ok(Box::new(Reading { file, metadata }))
    }

    fn write(&self, path: &VirtualPath, disposition: Disposition) -> Result<Box<dyn WriteFile>> {
        let place = self.path(path);
        let mut options = OpenOptions::new();
        options.write(true).create(true);
        let (written, offset) = match disposition {
            Disposition::Replace => (temporary(&place), 0),
            Disposition::Append => {
                let length = fs::metadata(&place).map(|metadata| metadata.len()).unwrap_or(0);
                (place.clone(), length)
            }
            Disposition::From(offset) => (place.clone(), offset),
            Disposition::Unique => return Err(StoreError::Unsupported),
        };
        let mut file =
            options.truncate(disposition == Disposition::Replace).open(&written).map_err(failed)?;
        file.set_len(offset).map_err(failed)?;
        file.seek(io::SeekFrom::Start(offset)).map_err(failed)?;
        Ok(Box::new(Writing { file, path: path.clone(), written, place }))
    }

    fn make_directory(&self, path: &VirtualPath) -> Result<()> {
        fs::create_dir(self.path(path)).map_err(failed)
    }

    fn remove_directory(&self, path: &VirtualPath) -> Result<()> {
        fs::remove_dir(self.path(path)).map_err(failed)
    }

    fn remove_file(&self, path: &VirtualPath) -> Result<()> {
        fs::remove_file(self.path(path)).map_err(failed)
    }

    fn rename(&self, from: &VirtualPath, to: &VirtualPath) -> Result<()> {
        fs::rename(self.path(from), self.path(to)).map_err(failed)
    }

    fn set_mode(&self, path: &VirtualPath, mode: u32) -> Result<()> {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).map_err(failed)
    }

    fn set_modified(&self, path: &VirtualPath, time: SystemTime) -> Result<()> {
        let file = File::open(self.path(path)).map_err(failed)?;
        file.set_modified(time).map_err(failed)
    }

    fn space(&self, _: &VirtualPath) -> Result<Option<Space>> {
        Ok(None)
    }
}

fn temporary(place: &Path) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(".under-way");
    name.into()
}

struct Reading {
    file: File,
    metadata: Metadata,
}

impl ReadFile for Reading {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.file.read_at(buffer, offset).map_err(failed)
    }

    fn as_file(&self) -> Option<&File> {
        Some(&self.file)
    }
}

struct Writing {
    file: File,
    path: VirtualPath,
    written: PathBuf,
    place: PathBuf,
}

impl WriteFile for Writing {
    fn path(&self) -> &VirtualPath {
        &self.path
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(failed)
    }

    fn target(&self) -> Result<Target> {
        let length = self.file.metadata().map_err(failed)?.len();
        if self.written == self.place {
            return Ok(Target::InPlace { length });
        }
        let replaces = fs::metadata(&self.place).ok().map(|metadata| metadata.len());
        Ok(Target::Aside { length, replaces })
    }

    fn sync(&mut self) -> Result<()> {
        self.file.sync_data().map_err(failed)
    }

    fn finish(self: Box<Self>) -> Result<u64> {
        fs::rename(&self.written, &self.place).map_err(failed)?;
        Ok(self.file.metadata().map_err(failed)?.len())
    }

    fn abandon(self: Box<Self>) -> Result<Option<u64>> {
        if self.written == self.place {
            return Ok(Some(self.file.metadata().map_err(failed)?.len()));
        }
        fs::remove_file(&self.written).map_err(failed)?;
        Ok(None)
    }
}
