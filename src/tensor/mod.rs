//! The only door to Burn's devices and tensors: which device runs, pictures in and out, attention.

mod attention;
mod cpu_attention;
mod device;
pub mod image;
mod norm;

pub use attention::attend;
pub use burn::tensor::{Device, FloatDType, Tensor};
pub use device::{DeviceChoice, DeviceError, OpenDevice, open};
pub use norm::group_norm;
