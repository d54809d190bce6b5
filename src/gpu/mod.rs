//! The only door to wgpu compute: kernels on pictures and fields, written in WGSL under `shaders/`.
//!
//! [`Context`] is an open device, [`Buffer`] memory on it, [`Kernel`] a compiled shader and [`Recorder`] a list of
//! dispatches that is submitted at once. Every kernel has a plain-Rust twin in the module that owns the idea; the
//! twin is the definition. Networks do not come here: they run on the tensor library's own device.
//!
//! Which memory a kernel touches is said once, when its buffers are [bound](Kernel::bind); what changes from one
//! dispatch to the next is a [`Params`] struct, declared with `params!` and mirrored in the shader.
//!
//! Errors of the device are known only when it is waited for: [`Recorder::submit`] and [`Buffer::read`] return what
//! has gone wrong so far.

mod buffer;
mod context;
pub mod grid;
mod kernel;
mod params;
mod record;
pub mod shader;

pub use buffer::Buffer;
pub use context::{AdapterChoice, Card, Context, GpuError, cards};
pub use grid::Grid;
pub use kernel::{Access, Bindings, Kernel};
pub use params::Params;
#[cfg(test)]
pub(crate) use params::assert_mirrored;
pub(crate) use params::params;
pub use record::Recorder;
