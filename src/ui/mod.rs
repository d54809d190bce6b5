//! The window: egui only. It reads the state, asks for actions, and never waits.
//!
//! [`app`] draws a frame and does what was asked; [`panels`] are functions of the state that return
//! what the user asked for; [`shortcuts`] is the one table of commands. Pictures are decoded by the
//! worker's media thread and cross as `Arc<Frame>`; the window has a graphics device of its own, so
//! that long work of the engine cannot stall it.

pub mod acts;
mod announcer;
pub mod app;
pub mod backend;
mod command_line;
pub mod desktop;
pub mod dialogs;
pub mod effects;
pub mod keys;
pub mod layout;
mod news;
pub mod panels;
pub mod scene;
pub mod shortcuts;
pub mod textures;
pub mod theme;
pub mod widgets;

use std::sync::Arc;

use crate::app::actions::Effect;
use crate::app::state::AppState;
use crate::worker::handle::{Wake, WorkerHandle};
use app::Studio;
use desktop::{SystemDesktop, WriteDemo};

/// Name of the application to the desktop, in reverse domain order: desktop file, metainfo, icon, window and bundle agree
/// on it.
pub const APP_ID: &str = "io.github.frescostudio.FrescoStudio";

/// What the window is opened with.
pub struct Opening {
    /// The state and what it asks for first.
    pub start: (AppState, Vec<Effect>),
    /// Writes the bundled clip to a file.
    pub write_demo: WriteDemo,
    /// The window's icon, as PNG.
    pub icon: &'static [u8],
}

/// Opens the window and stays until it is closed.
///
/// `spawn` starts the worker; the function it is given asks for a new frame of the window.
///
/// # Errors
/// If the system gives no window or no graphics device, not even a software one.
pub fn run(
    opening: Opening,
    spawn: impl FnOnce(Wake) -> std::io::Result<WorkerHandle>,
) -> Result<(), eframe::Error> {
    let mut viewport = egui::ViewportBuilder::default()
        .with_title("FRESCO Studio")
        .with_app_id(APP_ID)
        .with_inner_size(theme::DEFAULT_SIZE)
        .with_min_inner_size(theme::MIN_SIZE)
        .with_drag_and_drop(true);
    if let Ok(icon) = eframe::icon_data::from_png_bytes(opening.icon) {
        viewport = viewport.with_icon(icon);
    }
    let options = eframe::NativeOptions {
        viewport,
        ..eframe::NativeOptions::default()
    };
    let create: eframe::AppCreator<'_> = Box::new(|creation| {
        let ctx = creation.egui_ctx.clone();
        let wake: Wake = Arc::new(move || ctx.request_repaint());
        let worker = spawn(wake)?;
        let ctx = &creation.egui_ctx;
        let desktop = Box::new(SystemDesktop::new(opening.write_demo));
        let studio = Studio::new(ctx, worker, opening.start, desktop);
        Ok(Box::new(studio))
    });
    eframe::run_native("FRESCO Studio", options, create)
}
