//! A store that is never asked: the session only hands it on.

use std::time::SystemTime;

use ftp_server::store::{
    Disposition, Entry, Metadata, ReadFile, Result, Space, Store, StoreError, VirtualPath, WriteFile,
};

pub struct NoStore;

impl Store for NoStore {
    fn metadata(&self, _: &VirtualPath) -> Result<Metadata> {
        Err(StoreError::Unsupported)
    }
    fn list(&self, _: &VirtualPath) -> Result<Box<dyn Iterator<Item = Result<Entry>> + Send>> {
        Err(StoreError::Unsupported)
    }
    fn read(&self, _: &VirtualPath) -> Result<Box<dyn ReadFile>> {
        Err(StoreError::Unsupported)
    }
    fn write(&self, _: &VirtualPath, _: Disposition) -> Result<Box<dyn WriteFile>> {
        Err(StoreError::Unsupported)
    }
    fn make_directory(&self, _: &VirtualPath) -> Result<()> {
        Err(StoreError::Unsupported)
    }
    fn remove_directory(&self, _: &VirtualPath) -> Result<()> {
        Err(StoreError::Unsupported)
    }
    fn remove_file(&self, _: &VirtualPath) -> Result<()> {
        Err(StoreError::Unsupported)
    }
    fn rename(&self, _: &VirtualPath, _: &VirtualPath) -> Result<()> {
        Err(StoreError::Unsupported)
    }
    fn set_mode(&self, _: &VirtualPath, _: u32) -> Result<()> {
        Err(StoreError::Unsupported)
    }
    fn set_modified(&self, _: &VirtualPath, _: SystemTime) -> Result<()> {
        Err(StoreError::Unsupported)
    }
    fn space(&self, _: &VirtualPath) -> Result<Option<Space>> {
        Err(StoreError::Unsupported)
    }
}
