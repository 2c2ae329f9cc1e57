//! What most connections have nothing to say of.

use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;

use serde::{Serialize, Serializer};

use super::model::Quality;

/// A [`Quality`] that takes room only where there is something in it; reads, and is written, as an empty one until then.
#[derive(Debug, Clone, Default)]
pub struct RareQuality(Option<Box<Quality>>);

impl From<Quality> for RareQuality {
    fn from(quality: Quality) -> Self {
        RareQuality(Some(Box::new(quality)))
    }
}

impl Deref for RareQuality {
    type Target = Quality;

    fn deref(&self) -> &Quality {
        static NOTHING: LazyLock<Quality> = LazyLock::new(Quality::default);
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for RareQuality {
    fn deref_mut(&mut self) -> &mut Quality {
        self.0.get_or_insert_default()
    }
}

impl Serialize for RareQuality {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.deref().serialize(serializer)
    }
}
