//! An adapter is chosen, a device opened, and its errors are kept until somebody can return them.

use std::sync::{Arc, Mutex, PoisonError};

use wgpu::{Adapter, Backends, DeviceType};

use super::shader::ShaderError;

/// Which adapter to open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AdapterChoice {
    /// The fastest graphics card; adapters that compute on the processor do not count.
    #[default]
    Hardware,
    /// The fastest adapter, one that computes on the processor if there is no other.
    Any,
    /// The adapter whose name contains this text, whatever the case.
    Named(String),
}

/// Why something on the graphics card failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum GpuError {
    /// No adapter fits the choice.
    #[error(
        "no graphics adapter {wanted} among {found}; choose another or compute on the processor"
    )]
    NoAdapter {
        /// What was asked for.
        wanted: String,
        /// The adapters there are.
        found: String,
    },
    /// The driver refused to open the device.
    #[error("cannot open the graphics adapter {adapter}: {reason}")]
    Open {
        /// The adapter's name.
        adapter: String,
        /// What the driver said.
        reason: String,
    },
    /// A buffer is larger than this adapter allows.
    #[error(
        "{bytes} bytes are more than the {limit} that one buffer of this graphics adapter may hold; \
         choose a smaller picture or compute on the processor"
    )]
    TooLarge {
        /// What was asked for.
        bytes: u64,
        /// What is allowed.
        limit: u64,
    },
    /// The memory of the device is full.
    #[error("the graphics memory is full; close other programs or choose a smaller picture")]
    OutOfMemory,
    /// The device is gone: unplugged, reset by the driver, or it hung.
    #[error("the graphics adapter was lost ({0}); restart to use it again")]
    Lost(String),
    /// The driver or the library refused what we did, which is an error in our own code or in the driver.
    #[error("the graphics driver refused a command: {0}")]
    Refused(String),
    /// A shader could not be put together.
    #[error(transparent)]
    Shader(#[from] ShaderError),
}

/// An open device and its queue; cheap to clone, all clones are the same device.
#[derive(Clone, Debug)]
pub struct Context {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    name: String,
    is_software: bool,
    failure: Failure,
}

impl Context {
    /// Opens a device of its own, separate from the window's and the networks'.
    ///
    /// # Errors
    /// [`GpuError::NoAdapter`] if none fits the choice, [`GpuError::Open`] if the driver refuses.
    pub fn open(choice: &AdapterChoice) -> Result<Self, GpuError> {
        let adapter = choose(choice)?;
        let info = adapter.get_info();
        let description = wgpu::DeviceDescriptor {
            label: Some("synthesis"),
            required_limits: limits(&adapter),
            memory_hints: wgpu::MemoryHints::Performance,
            ..Default::default()
        };
        let opened = pollster::block_on(adapter.request_device(&description));
        let (device, queue) = opened.map_err(|error| GpuError::Open {
            adapter: info.name.clone(),
            reason: error.to_string(),
        })?;
        let failure = Failure::default();
        failure.watch(&device);
        tracing::info!(adapter = info.name, backend = ?info.backend, "opened for compute");
        Ok(Self {
            device,
            queue,
            name: info.name,
            is_software: info.device_type == DeviceType::Cpu,
            failure,
        })
    }

    /// The adapter's own name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it computes on the processor.
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.is_software
    }

    /// The largest buffer that a kernel can be given, in bytes.
    #[must_use]
    pub fn max_buffer_bytes(&self) -> u64 {
        let limits = self.device.limits();
        limits
            .max_buffer_size
            .min(limits.max_storage_buffer_binding_size)
    }

    /// Blocks until everything submitted has run.
    ///
    /// # Errors
    /// What has gone wrong on the device so far.
    pub fn wait(&self) -> Result<(), GpuError> {
        let polled = self.device.poll(wgpu::PollType::wait_indefinitely());
        self.check()?;
        polled
            .map(drop)
            .map_err(|error| GpuError::Lost(error.to_string()))
    }

    /// What has gone wrong on the device so far.
    ///
    /// # Errors
    /// The first failure; it stays, since nothing computed after it can be trusted.
    pub fn check(&self) -> Result<(), GpuError> {
        self.failure.get().map_or(Ok(()), Err)
    }
}

/// The first thing that went wrong, as told by the device's callbacks.
#[derive(Clone, Debug, Default)]
struct Failure(Arc<Mutex<Option<GpuError>>>);

impl Failure {
    fn get(&self) -> Option<GpuError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }

    fn keep(&self, error: GpuError) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get_or_insert(error);
    }

    fn watch(&self, device: &wgpu::Device) {
        let own = self.clone();
        device.on_uncaptured_error(Arc::new(move |error| own.keep(error.into())));
        let own = self.clone();
        device.set_device_lost_callback(move |reason, message| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                own.keep(GpuError::Lost(message));
            }
        });
    }
}

impl From<wgpu::Error> for GpuError {
    fn from(error: wgpu::Error) -> Self {
        match error {
            wgpu::Error::OutOfMemory { .. } => Self::OutOfMemory,
            wgpu::Error::Validation { description, .. }
            | wgpu::Error::Internal { description, .. } => Self::Refused(description),
        }
    }
}

/// A graphics card that is there, whether open or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its own name.
    pub name: String,
    /// Whether shaders compute in half precision on it.
    pub has_half: bool,
}

/// The graphics cards, the fastest first. None is opened: adapters that compute on the processor do not count, and a
/// card that several drivers offer counts once.
#[must_use]
pub fn cards() -> Vec<Card> {
    let mut cards: Vec<Card> = Vec::new();
    for adapter in adapters() {
        let info = adapter.get_info();
        let is_known = cards.iter().any(|card| card.name == info.name);
        if info.device_type != DeviceType::Cpu && !is_known {
            cards.push(Card {
                name: info.name,
                has_half: adapter.features().contains(wgpu::Features::SHADER_F16),
            });
        }
    }
    cards
}

/// All adapters, the fastest first.
fn adapters() -> Vec<Adapter> {
    let description = wgpu::InstanceDescriptor {
        backends: Backends::PRIMARY,
        flags: wgpu::InstanceFlags::empty(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    };
    let instance = wgpu::Instance::new(description);
    let mut adapters = pollster::block_on(instance.enumerate_adapters(Backends::PRIMARY));
    adapters.sort_by_key(|adapter| speed_rank(adapter.get_info().device_type));
    adapters
}

fn choose(choice: &AdapterChoice) -> Result<Adapter, GpuError> {
    let adapters = adapters();
    let names: Vec<String> = adapters.iter().map(|a| a.get_info().name).collect();
    let fits = |adapter: &Adapter| {
        let info = adapter.get_info();
        match choice {
            AdapterChoice::Hardware => info.device_type != DeviceType::Cpu,
            AdapterChoice::Any => true,
            AdapterChoice::Named(part) => info.name.to_lowercase().contains(&part.to_lowercase()),
        }
    };
    let no_adapter = || GpuError::NoAdapter {
        wanted: match choice {
            AdapterChoice::Hardware => "with a graphics card".to_owned(),
            AdapterChoice::Any => "at all".to_owned(),
            AdapterChoice::Named(part) => format!("named {part:?}"),
        },
        found: if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        },
    };
    adapters.into_iter().find(fits).ok_or_else(no_adapter)
}

/// The order in which adapters are tried.
fn speed_rank(kind: DeviceType) -> u8 {
    match kind {
        DeviceType::DiscreteGpu => 0,
        DeviceType::IntegratedGpu => 1,
        DeviceType::VirtualGpu => 2,
        DeviceType::Other => 3,
        DeviceType::Cpu => 4,
    }
}

/// What every adapter has, except that buffers may be as large as this one allows.
fn limits(adapter: &Adapter) -> wgpu::Limits {
    let own = adapter.limits();
    wgpu::Limits {
        max_buffer_size: own.max_buffer_size,
        max_storage_buffer_binding_size: own.max_storage_buffer_binding_size,
        ..wgpu::Limits::default().or_worse_values_from(&own)
    }
}
