//! What to do where not even the smallest batch has room: the working size to try, by what batches take.

use super::batch::{BatchContext, BatchFrames};
use super::error::Error;
use super::memory::{BatchLoad, NetworkSizes, batch_bytes};
use crate::frame::{Size, working_size};
use crate::tensor::read::ReadError;

/// Working sizes are multiples of this.
const STEP: u32 = 64;

/// Share of the memory that was too little which a proposed size may take.
const SHARE: f64 = 0.8;

impl BatchContext<'_> {
    /// The error of a batch that cannot be halved: if memory was too short for it, with the working size to try.
    #[must_use]
    pub fn explained(&self, error: Error, batch: &BatchFrames<'_>) -> Error {
        if !matches!(error, Error::Values(ReadError::OutOfMemory)) {
            return error;
        }
        let Some(load) = self.load(batch, self.dtype()) else {
            return error;
        };
        let short_side = self.job.short_side;
        Error::NoRoom {
            frames: load.frames,
            short_side,
            smaller: smaller_side(&self.networks, &load, short_side),
        }
    }
}

/// The largest short side below `short_side` with which the batch takes clearly less; the next one down if the weights
/// alone take that much; nothing below the smallest.
fn smaller_side(networks: &NetworkSizes, load: &BatchLoad, short_side: u32) -> Option<u32> {
    let bytes = |size: Size| batch_bytes(networks, &BatchLoad { size, ..*load }) as f64;
    let limit = SHARE * bytes(load.size);
    let sides = (1..short_side.div_ceil(STEP)).rev().map(|n| n * STEP);
    let fits = |side: &u32| bytes(working_size(load.size, *side).size()) <= limit;
    sides.clone().find(fits).or_else(|| sides.clone().next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::job::{Consistency, JobSpec};
    use crate::pipeline::memory::sd15;

    #[test]
    fn the_proposed_size_takes_clearly_less() {
        let networks = |weights: u64| NetworkSizes {
            unet: weights,
            controlnets: 0,
            n_controlnets: 0,
            motion: 0,
            saliency: 0,
            ..sd15()
        };
        let load = |width, height| BatchLoad {
            frames: 3,
            size: Size { width, height },
            half: true,
            consistency: Consistency::from(&JobSpec::default().guidance),
        };
        let (wide, real) = (load(896, 512), networks(859_520_964));
        let side = smaller_side(&real, &wide, 512).unwrap();
        let taken = |side| {
            let size = working_size(wide.size, side).size();
            batch_bytes(&real, &BatchLoad { size, ..wide }) as f64
        };
        let all = batch_bytes(&real, &wide) as f64;
        assert!(side < 512 && taken(side) <= SHARE * all);
        assert!(side + STEP == 512 || taken(side + STEP) > SHARE * all);
        // Weights that take nearly everything leave no good size, so it is the next one.
        let huge = networks(100_000_000_000);
        assert_eq!(smaller_side(&huge, &wide, 512), Some(448));
        assert_eq!(smaller_side(&real, &load(64, 64), 64), None);
    }
}
