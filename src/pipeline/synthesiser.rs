//! What paints frames between keyframes: a graphics card where the job's device is one, else the CPU.

use super::observer::Observer;
use crate::synth::Synthesiser;
use crate::tensor::DeviceChoice;

/// Opens what `choice` asks for; `device` is the name of the device that the networks have.
#[cfg(feature = "gpu")]
#[must_use]
pub fn open(choice: &DeviceChoice, device: &str, observer: &dyn Observer) -> Synthesiser {
    use std::sync::Arc;

    use super::observer::Warning;
    use crate::gpu::{AdapterChoice, Context};
    use crate::synth::gpu::GpuSynthesiser;
    use crate::tensor::CPU_NAME;

    if device == CPU_NAME {
        return Synthesiser::Cpu;
    }
    let adapter = match choice {
        DeviceChoice::Named(name) => AdapterChoice::Named(name.clone()),
        DeviceChoice::Gpu => AdapterChoice::Any,
        DeviceChoice::Auto | DeviceChoice::Cpu => AdapterChoice::Hardware,
    };
    match Context::open(&adapter).and_then(GpuSynthesiser::new) {
        Ok(gpu) => Synthesiser::Gpu(Arc::new(gpu)),
        Err(error) => {
            observer.warning(Warning {
                summary: format!("frames between keyframes are painted on the CPU: {error}"),
                hint: None,
            });
            Synthesiser::Cpu
        }
    }
}

/// The CPU, in a program without support for graphics cards.
#[cfg(not(feature = "gpu"))]
#[must_use]
pub fn open(_choice: &DeviceChoice, _device: &str, _observer: &dyn Observer) -> Synthesiser {
    Synthesiser::Cpu
}
