//! Chooses the one device of a run: a GPU where there is one, else the CPU.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use burn::tensor::{Device, FloatDType};
use serde::{Deserialize, Serialize};

/// What the user asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum DeviceChoice {
    /// A graphics card if there is one, else the CPU.
    #[default]
    Auto,
    /// Any adapter of the graphics API, a software one included.
    Gpu,
    /// The processor.
    Cpu,
    /// The graphics card whose name contains this text, whatever the case.
    Named(String),
}

impl From<String> for DeviceChoice {
    fn from(text: String) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "auto" => Self::Auto,
            "gpu" => Self::Gpu,
            "cpu" => Self::Cpu,
            _ => Self::Named(text),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.to_owned().into())
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Gpu => "gpu",
            Self::Cpu => "cpu",
            Self::Named(name) => name,
        })
    }
}

impl From<DeviceChoice> for String {
    fn from(choice: DeviceChoice) -> Self {
        choice.to_string()
    }
}

/// What the processor is called.
pub const CPU_NAME: &str = "CPU";

/// A device that is ready, and how to call it.
#[derive(Clone, Debug)]
pub struct OpenDevice {
    /// Where tensors live.
    pub device: Device,
    /// The card's own name, or [`CPU_NAME`].
    pub name: String,
    /// The type in which networks compute best.
    pub network_dtype: FloatDType,
    /// Set if the CPU stands in for a GPU that was not found.
    pub is_fallback: bool,
}

impl OpenDevice {
    /// The processor, perhaps in place of a GPU that was not found. Half precision would be slower there.
    #[must_use]
    pub fn cpu(is_fallback: bool) -> Self {
        Self {
            device: Device::flex(),
            name: CPU_NAME.to_owned(),
            network_dtype: FloatDType::F32,
            is_fallback,
        }
    }
}

/// Bytes that the allocator of a device holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceMemory {
    /// In tensors.
    pub in_use: u64,
    /// Taken from the device: what is in use, and what is kept to be handed out again.
    pub reserved: u64,
}

impl OpenDevice {
    /// Gives memory that nothing uses any more back to the system, which a device keeps for later otherwise.
    pub fn release_memory(&self) {
        self.device.memory_cleanup();
    }

    /// What the allocator holds now; nothing for the processor, whose memory the system hands out.
    #[must_use]
    pub fn memory(&self) -> Option<DeviceMemory> {
        let usage = self.device.memory_pool_usage()?;
        Some(DeviceMemory {
            in_use: usage.bytes_in_use,
            reserved: usage.bytes_reserved,
        })
    }
}

/// Why no device could be opened.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// A card was named that is not there.
    #[error("no graphics card is called {wanted:?}; there are: {}", list(found))]
    NoSuchCard {
        /// The text that was looked for.
        wanted: String,
        /// Names of the cards that are there.
        found: Vec<String>,
    },
    /// The graphics API offers no adapter, or starting it failed.
    #[error("no usable GPU ({reason}); use the device \"cpu\" or \"auto\"")]
    NoGpu {
        /// What is known about it.
        reason: &'static str,
    },
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// Opens the device that `choice` asks for. Call it once in a process: an adapter starts once.
///
/// # Errors
/// [`DeviceError`] if a GPU or a card was asked for by name and is not there.
pub fn open(choice: &DeviceChoice) -> Result<OpenDevice, DeviceError> {
    match choice {
        DeviceChoice::Cpu => Ok(OpenDevice::cpu(false)),
        DeviceChoice::Auto => Ok(gpu::first_card().unwrap_or_else(|| OpenDevice::cpu(true))),
        DeviceChoice::Gpu => gpu::any_adapter(),
        DeviceChoice::Named(name) => gpu::card_named(name),
    }
}

#[cfg(feature = "gpu")]
mod gpu {
    use super::{DeviceError, OpenDevice};
    use burn::tensor::{Device, DeviceType, FloatDType};

    /// Real cards only: a software rasteriser is not in the list, and is slower than our CPU code.
    fn cards() -> Vec<OpenDevice> {
        let cards = Device::enumerate_physical();
        let open = |card: burn::tensor::PhysicalGpu| {
            let device = card.devices.into_iter().next()?;
            let has_half = device.supports_dtype(FloatDType::F16);
            Some(OpenDevice {
                device,
                name: card.name,
                network_dtype: if has_half {
                    FloatDType::F16
                } else {
                    FloatDType::F32
                },
                is_fallback: false,
            })
        };
        cards.into_iter().filter_map(open).collect()
    }

    pub fn first_card() -> Option<OpenDevice> {
        cards().into_iter().next()
    }

    pub fn card_named(wanted: &str) -> Result<OpenDevice, DeviceError> {
        let cards = cards();
        let names = cards.iter().map(|card| card.name.clone()).collect();
        let matches = |card: &OpenDevice| card.name.to_lowercase().contains(&wanted.to_lowercase());
        cards
            .into_iter()
            .find(matches)
            .ok_or_else(|| DeviceError::NoSuchCard {
                wanted: wanted.to_owned(),
                found: names,
            })
    }

    pub fn any_adapter() -> Result<OpenDevice, DeviceError> {
        if let Some(card) = first_card() {
            return Ok(card);
        }
        let software = Device::enumerate(DeviceType::Wgpu).into_iter().next();
        let device = software.ok_or(DeviceError::NoGpu {
            reason: "no driver offers one",
        })?;
        let name = device
            .identity()
            .map_or_else(|| "software adapter".to_owned(), |id| id.name);
        // A software adapter emulates half precision.
        Ok(OpenDevice {
            device,
            name,
            network_dtype: FloatDType::F32,
            is_fallback: false,
        })
    }
}

#[cfg(not(feature = "gpu"))]
mod gpu {
    use super::{DeviceError, OpenDevice};

    pub fn first_card() -> Option<OpenDevice> {
        None
    }

    pub fn card_named(wanted: &str) -> Result<OpenDevice, DeviceError> {
        Err(DeviceError::NoSuchCard {
            wanted: wanted.to_owned(),
            found: Vec::new(),
        })
    }

    pub fn any_adapter() -> Result<OpenDevice, DeviceError> {
        Err(DeviceError::NoGpu {
            reason: "this program was built without GPU support",
        })
    }
}
