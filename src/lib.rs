//! FRESCO Studio re-renders a video in a new style from a text prompt, on the user's own machine.
//!
//! The whole program in a few lines; each name is a module:
//!
//! 1. A [`JobSpec`](pipeline::job::JobSpec) (what the user asked) is validated once into a
//!    [`Job`](pipeline::job::Job) (what will run). Nothing below sees unvalidated input.
//! 2. The [`video`] becomes a [`FrameStore`](video::FrameStore): working-size RGB frames on disk.
//! 3. [Shots](pipeline::shots) are found (nothing crosses a cut); in each,
//!    [keyframes](pipeline::keyframes) are selected and packed into [batches](pipeline::plan); from
//!    the second on, a batch opens with two anchor frames that it shares with earlier ones.
//! 4. Each batch gets its [conditions](pipeline::conditions): prompt embeddings and control images.
//! 5. Its latents are [denoised](pipeline::denoise); a [`UNetHook`](models::unet::UNetHook) may
//!    guide the U-Net.
//! 6. Decoded latents are the batch's pictures, written at once.
//! 7. Every [segment](pipeline::plan::Segment) between two keyframes is [filled](mod@pipeline::fill) by guided patch
//!    [synthesis](synth) from both ends, then blended.
//! 8. The [output](pipeline::output) joins all frames with the source's own sound and timing.
//!
//! The [`worker`] runs jobs on a thread of its own and talks in messages; the [`cli`] is one of its
//! clients.

pub mod annotators;
pub mod app;
pub mod cli;
pub mod diffusion;
pub mod files;
pub mod flow;
pub mod frame;
pub mod fresco;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod models;
pub mod pipeline;
pub mod synth;
pub mod tensor;
#[cfg(feature = "gui")]
pub mod ui;
pub mod video;
pub mod worker;
