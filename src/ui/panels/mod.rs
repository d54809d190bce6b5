//! The parts of the window: each a function of the state that shows it and returns what the user
//! asked for.

pub mod control;
pub mod dialog;
pub mod dialogs;
pub mod export;
pub mod fill;
pub mod fit;
pub mod guidance;
pub mod jobs;
pub mod keyframes;
pub mod log;
pub mod loras;
pub mod menus;
pub mod models;
pub mod notices;
pub mod overlay;
pub mod preferences;
pub mod prompt;
pub mod sampling;
pub mod settings;
pub mod shortcuts;
pub mod source;
pub mod start;
pub mod timeline;
pub mod viewer;
