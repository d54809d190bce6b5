//! A mailbox with one slot.

use std::sync::{Mutex, PoisonError};

/// A mailbox with one slot: a new value replaces the old one, whether or not anybody took it.
#[derive(Debug)]
pub struct Latest<T>(Mutex<Option<T>>);

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Latest<T> {
    /// Replaces what is in the slot.
    pub fn put(&self, value: T) {
        *self.slot() = Some(value);
    }

    /// Empties the slot.
    pub fn take(&self) -> Option<T> {
        self.slot().take()
    }

    /// Whether the last value was taken, or none was ever put.
    pub fn is_taken(&self) -> bool {
        self.slot().is_none()
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<T>> {
        // A panic elsewhere cannot leave an `Option` half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
