//! The most memory that a job took on its device, next to what was estimated for it.

use std::cell::Cell;

use serde::Serialize;

use super::memory::{BatchLoad, NetworkSizes, batch_bytes};
use crate::tensor::OpenDevice;

/// Remembers the highest mark of a device's allocator.
#[derive(Debug, Default)]
pub struct MemoryMeter {
    peak: Cell<u64>,
}

/// What a batch took, in bytes, and what was estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MeasuredMemory {
    /// By [`batch_bytes`].
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

    /// The peak since the meter was made, and the estimate for a batch; nothing where nothing was measured. Also goes
    /// into the log.
    #[must_use]
    pub fn read(&self, networks: &NetworkSizes, load: &BatchLoad) -> Option<MeasuredMemory> {
        let memory = MeasuredMemory {
            estimated: batch_bytes(networks, load),
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
