//! Pictures that may be wanted again.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::frame::Frame;
use crate::worker::message::PictureKey;

/// Memory for decoded pictures.
pub(super) const CACHE_BYTES: usize = 384 << 20;

/// Pictures by name, those used last at the end.
#[derive(Default)]
pub(super) struct Cache {
    pictures: VecDeque<(PictureKey, Arc<Frame>)>,
    bytes: usize,
}

impl Cache {
    pub fn contains(&self, key: &PictureKey) -> bool {
        self.pictures.iter().any(|(kept, _)| kept == key)
    }

    pub fn get(&mut self, key: &PictureKey) -> Option<Arc<Frame>> {
        let place = self.pictures.iter().position(|(kept, _)| kept == key)?;
        let found = self.pictures.remove(place)?;
        let picture = Arc::clone(&found.1);
        self.pictures.push_back(found);
        Some(picture)
    }

    pub fn put(&mut self, key: PictureKey, picture: Arc<Frame>) {
        if self.get(&key).is_some() {
            return;
        }
        self.bytes += picture.pixels().len();
        self.pictures.push_back((key, picture));
        while self.bytes > CACHE_BYTES && self.pictures.len() > 1 {
            if let Some((_, old)) = self.pictures.pop_front() {
                self.bytes -= old.pixels().len();
            }
        }
    }
}
