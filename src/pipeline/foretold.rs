//! What a job takes of its device's memory, told before its networks are loaded.

use serde::Serialize;

use super::engine::Engine;
use super::error::Error;
use super::job::Job;
use super::memory::{BatchLoad, NetworkSizes, batch_bytes, frames_that_fit};
use super::observer::{Observer, Warning};
use super::plan::Plan;
use crate::frame::Size;
use crate::tensor::{CPU_NAME, FloatDType};

/// What the largest batch of a job takes by the estimate, and what there is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ForetoldMemory {
    /// By [`batch_bytes`].
    pub estimated: u64,
    /// What jobs may use, or all that the device has; unknown where neither is said: the graphics API does not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available: Option<u64>,
}

/// Tells `observer` what the largest batch of a plan takes in frames of this size, and warns if that is more than there is.
///
/// # Errors
/// [`Error::Device`] if the device is not there.
pub fn foretell(
    job: &Job,
    networks: &NetworkSizes,
    (plan, size): (&Plan, Size),
    engine: &mut Engine,
    observer: &dyn Observer,
) -> Result<(), Error> {
    let device = engine.device(&job.device)?;
    let frames = plan.batches().iter().map(|batch| batch.frames().len());
    let load = BatchLoad {
        frames: frames.max().unwrap_or_default(),
        size,
        half: device.network_dtype == FloatDType::F16,
        consistency: job.consistency,
    };
    let of_machine = || (device.name == CPU_NAME).then(machine_memory).flatten();
    let memory = ForetoldMemory {
        estimated: batch_bytes(networks, &load),
        available: engine.memory_limit().or_else(of_machine),
    };
    observer.memory_foretold(memory);
    if let Some(warning) = too_little(networks, &load, memory) {
        observer.warning(warning);
    }
    Ok(())
}

/// What is said if there is less than is needed.
fn too_little(
    networks: &NetworkSizes,
    load: &BatchLoad,
    memory: ForetoldMemory,
) -> Option<Warning> {
    let ForetoldMemory {
        estimated,
        available,
    } = memory;
    let available = available.filter(|available| *available < estimated)?;
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    Some(Warning {
        summary: format!(
            "a batch of {} frames takes about {} of memory, and there are {}",
            load.frames,
            gigabytes(estimated),
            gigabytes(available)
        ),
        hint: Some(match frames_that_fit(networks, load, available) {
            Some(frames) => format!("use --batch-size {frames}, or a smaller --size"),
            None => "use a smaller --size".to_owned(),
        }),
    })
}

/// All the memory of this machine; unknown where no file says it.
fn machine_memory() -> Option<u64> {
    in_meminfo(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn in_meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes: u64 = line?.trim().strip_suffix(" kB")?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::job::{Consistency, JobSpec};
    use crate::pipeline::memory::sd15;

    #[test]
    fn a_warning_says_what_fits() {
        let networks = sd15();
        let load = |frames| BatchLoad {
            frames,
            size: Size {
                width: 512,
                height: 512,
            },
            half: true,
            consistency: Consistency::from(&JobSpec::default().guidance),
        };
        let said = |available| {
            let memory = ForetoldMemory {
                estimated: batch_bytes(&networks, &load(8)),
                available,
            };
            too_little(&networks, &load(8), memory).map(|warning| warning.hint.unwrap())
        };
        let needed = |frames| Some(batch_bytes(&networks, &load(frames)));
        assert_eq!(said(None), None);
        assert_eq!(said(needed(8)), None);
        let five = "use --batch-size 5, or a smaller --size";
        assert_eq!(said(needed(5)).as_deref(), Some(five));
        assert_eq!(said(Some(1)).as_deref(), Some("use a smaller --size"));
    }

    #[test]
    fn the_memory_of_a_machine_is_read() {
        let text = "MemFree:  12 kB\nMemTotal:       16384000 kB\nMemAvailable:  1 kB\n";
        assert_eq!(in_meminfo(text), Some(16_777_216_000));
        for broken in ["", "MemTotal:", "MemTotal: x kB", "MemTotal: 12"] {
            assert_eq!(in_meminfo(broken), None, "{broken:?}");
        }
    }
}
