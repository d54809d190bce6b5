//! What the window remembers and how that changes: no toolkit, no thread, no GPU, no file.
//!
//! [`AppState`] is the whole of it. Two functions change it: [`perform`] does what the user asks ([`Action`]) and returns
//! what has to happen outside ([`Effect`]); [`update`] takes in news from the worker. Everything that is shown is read
//! from the state, or computed from it: [`button::main_button`], [`marks::marks`], [`notices::notices`].

pub mod actions;
pub mod button;
pub mod edits;
pub mod export;
pub mod fingerprint;
pub mod fit;
pub mod format;
pub mod helpers;
pub mod history;
pub mod marks;
pub mod memory_ratios;
pub mod messages;
pub mod models;
pub mod notices;
mod paths;
mod perform;
pub mod pictures;
mod precision;
pub mod preferences;
pub mod project;
pub mod prompt;
pub mod results;
pub mod settings;
pub mod state;
pub mod timecode;
mod update;
pub mod view;
pub mod weighting;
pub mod work;
pub mod work_left;

pub use actions::{Action, Effect};
pub use perform::{perform, start};
pub use preferences::Preferences;
pub use state::{AppState, Project};
pub use update::{preview, progress, update};
