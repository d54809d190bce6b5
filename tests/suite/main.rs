//! The integration tests: one binary, so that they are linked once.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "tests are read by their authors and may panic and print"
)]

mod annotators;
mod app;
mod cli;
mod clips;
mod configs;
mod device;
mod evaluate;
mod facts;
mod failures;
mod fill;
mod flow;
mod golden;
mod gradients;
mod job;
#[cfg(feature = "gpu")]
mod kernels;
mod keymaps;
mod memory;
mod models_manager;
mod mutations;
mod out_of_memory;
mod packaging;
mod pickles;
mod plan;
mod resize;
mod resume;
mod scripted;
mod shots;
mod single_files;
#[cfg(feature = "gpu")]
mod small_card;
mod support;
mod synth;
mod tidy;
mod translate;
mod ui;
mod video;
mod window;
mod worker;
