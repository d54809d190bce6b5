//! The most memory that a job took on its device, next to what was estimated for it.

use std::cell::Cell;

use serde::Serialize;

use super::memory::{BatchLoad, NetworkSizes, batch_bytes};
use crate::tensor::OpenDevice;

/// Remembers the highest mark of a device's allocator, and the largest estimate of the batches that went through.
#[derive(Debug, Default)]
pub struct MemoryMeter {
    peak: Cell<u64>,
    estimated: Cell<u64>,
}

/// What the batches so far took at most, in bytes, and what was estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MeasuredMemory {
    /// By [`batch_bytes`], for the largest batch so far.
    pub estimated: u64,
    /// By the allocator: all that it took from the device.
    pub measured: u64,
}

impl MemoryMeter {
    /// Looks at the allocator. It keeps what it once took, so the end of a step tells the peak within it.
    pub fn look(&self, device: &OpenDevice) {
        if let Some(memory) = device.memory() {
            self.peak.set(self.peak.get().max(memory.reserved));
        }
    }

    /// Forgets what it saw: a batch that did not fit says nothing of smaller ones.
    pub fn reset(&self) {
        self.peak.set(0);
        self.estimated.set(0);
    }

    /// After a batch, the peak of all so far and the estimate for the largest of them; nothing where nothing was measured.
    /// Also goes into the log.
    #[must_use]
    pub fn read(&self, networks: &NetworkSizes, load: &BatchLoad) -> Option<MeasuredMemory> {
        let estimated = batch_bytes(networks, load).max(self.estimated.get());
        self.estimated.set(estimated);
        let memory = MeasuredMemory {
            estimated,
            measured: Some(self.peak.get()).filter(|peak| *peak > 0)?,
        };
        tracing::info!(
            estimated_mb = memory.estimated / 1_000_000,
            measured_mb = memory.measured / 1_000_000,
            frames = load.frames,
            "device memory of a batch"
        );
        Some(memory)
    }
}
