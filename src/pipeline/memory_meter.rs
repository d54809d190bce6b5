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

    /// Forgets what it saw: a batch that did not fit says nothing of smaller ones, and one that was repeated in another
    /// precision nothing of what was estimated.
    pub fn reset(&self) {
        self.peak.set(0);
        self.estimated.set(0);
    }

    /// After a batch, the peak of all so far and the estimate for the largest of them; nothing where nothing was measured.
    /// Also goes into the log.
    #[must_use]
    pub fn read(&self, networks: &NetworkSizes, load: &BatchLoad) -> Option<MeasuredMemory> {
        let measured = Some(self.peak.get()).filter(|peak| *peak > 0)?;
        let estimated = batch_bytes(networks, load).max(self.estimated.get());
        self.estimated.set(estimated);
        let memory = MeasuredMemory {
            estimated,
            measured,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;
    use crate::pipeline::job::{Consistency, JobSpec};
    use crate::pipeline::memory::sd15;

    fn load(frames: usize) -> BatchLoad {
        BatchLoad {
            frames,
            size: Size {
                width: 512,
                height: 512,
            },
            half: true,
            consistency: Consistency::from(&JobSpec::default().guidance),
        }
    }

    #[test]
    fn the_largest_batch_that_was_measured_counts() {
        let (meter, networks) = (MemoryMeter::default(), sd15());
        let estimated = |frames| batch_bytes(&networks, &load(frames));
        let read = |frames| {
            let memory = meter.read(&networks, &load(frames))?;
            Some((memory.estimated, memory.measured))
        };
        meter.peak.set(7);
        assert_eq!(read(8), Some((estimated(8), 7)));
        assert_eq!(read(3), Some((estimated(8), 7)));
        // A batch that was repeated in full precision is not measured, and no later one is compared with its estimate.
        meter.reset();
        assert_eq!(read(8), None);
        meter.peak.set(5);
        assert_eq!(read(3), Some((estimated(3), 5)));
    }
}
