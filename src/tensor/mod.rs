//! The only door to Burn's devices and tensors: which device runs, pictures in and out, and the few operations that Burn lacks or
//! has slowly.

mod attention;
mod cpu_attention;
mod cpu_gram;
mod device;
mod gram;
pub mod image;
mod norm;
mod panics;
pub mod read;
mod resize;
mod row_differences;

pub use attention::attend;
pub use burn::tensor::{Device, FloatDType, Tensor};
pub use device::{CPU_NAME, DeviceChoice, DeviceError, DeviceMemory, OpenDevice, open};
pub use gram::{GramTarget, gram_difference};
pub use norm::{group_norm, instance_norm};
pub use panics::hush_lack_of_memory;
pub use resize::{Resampling, resize};
pub use row_differences::{RowDifferences, Tap};
