//! One job, start to end; reads like the paper's framework figure.
//!
//! [`translate`](translate::translate) runs the stages in order: [`analyse`](mod@analyse) the source, [`plan`] shots,
//! keyframes and batches, translate the [`batches`], [`fill`](mod@fill) the frames between keyframes, write the
//! [`output`]. A [`journal`] remembers what is finished. [`own_keyframes`] fills between keyframes that somebody else
//! painted. [`evaluate`](mod@evaluate) measures a result.

pub mod analyse;
pub mod anchors;
pub mod annotator;
pub mod batch;
pub mod batches;
pub mod compat;
pub mod conditions;
pub mod control;
pub mod controlnets;
pub mod denoise;
pub mod depth;
pub mod engine;
pub mod error;
pub mod evaluate;
pub mod export;
pub mod fill;
mod fill_count;
pub mod flows;
pub mod foretold;
pub mod guidance;
pub mod helpers;
pub mod job;
pub mod journal;
pub mod keyframes;
pub mod locks;
pub mod memory;
mod memory_helpers;
pub mod memory_meter;
pub mod memory_moments;
pub mod model_folders;
pub mod model_manager;
pub mod no_room;
pub mod observer;
pub mod output;
pub mod overlay;
pub mod own_keyframes;
pub mod pictures;
pub mod plan;
pub mod preview;
pub mod sample;
pub mod shots;
pub mod smoothing;
pub mod spool;
pub mod survey;
pub mod synthesiser;
pub mod tokens;
pub mod translate;
pub mod trial;
pub mod trouble;
pub mod verify;
mod warnings;
pub mod work;
