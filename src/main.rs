//! The program: chooses window or command line.

use std::process::ExitCode;

use fresco_studio::app::Preferences;
use fresco_studio::cli;
use fresco_studio::files::{self, UserFolders};
use fresco_studio::pipeline::engine::Engine;
use fresco_studio::tensor::hush_lack_of_memory;
use fresco_studio::worker;
use fresco_studio::worker::message::ModelSources;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// A short video that shows what the program does, without a download.
const DEMO_CLIP: &[u8] = include_bytes!("../assets/demo/clip.mp4");

fn main() -> ExitCode {
    start_logging();
    hush_lack_of_memory();
    let folders = UserFolders::of_system();
    let environment = ModelSources::usual(folders.models, files::home().as_deref(), |name| {
        std::env::var(name).ok()
    });
    // The window reads the preferences again, and lets them be changed.
    let text = std::fs::read_to_string(folders.config.join(Preferences::FILE));
    let (preferences, _) = Preferences::from_text(&text.unwrap_or_default());
    let models = preferences.sources(&environment);
    let places = models.places.clone();
    let engine = {
        let places = places.clone();
        let limit = preferences.memory_limit();
        move || Engine::new(places).with_memory_limit(limit)
    };
    let window = move |file| {
        if let Some(threads) = preferences.cpu_threads {
            worker::limit_threads(threads);
        }
        window::open(file, environment, places)
    };
    cli::run(std::env::args_os(), engine, DEMO_CLIP, models, window)
}

/// Logs go to standard error; `RUST_LOG` says which.
fn start_logging() {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::ERROR.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

#[cfg(feature = "gui")]
mod window {
    //! The window, where there is a display.

    use std::path::PathBuf;
    use std::sync::Arc;

    use fresco_studio::app;
    use fresco_studio::files::{self, UserFolders};
    use fresco_studio::pipeline::engine::Engine;
    use fresco_studio::worker::message::{ModelSources, Places};
    use fresco_studio::{ui, worker};

    /// The window's icon.
    const ICON: &[u8] = include_bytes!("../assets/icons/fresco-studio.png");

    /// Opens the window on a file, and stays until it is closed. `environment` says where models are and come from,
    /// `places` where they are with the preferences of now.
    pub fn open(
        file: Option<PathBuf>,
        environment: ModelSources,
        places: Places,
    ) -> Result<(), String> {
        if !has_display() {
            return Err("there is no display".to_owned());
        }
        // The window may be opened on a file by a relative name and closed on it by a full one.
        let file = file.map(|file| std::path::absolute(&file).unwrap_or(file));
        let opening = ui::Opening {
            start: app::start(UserFolders::of_system(), environment, file),
            write_demo: Arc::new(|path| {
                std::fs::create_dir_all(files::parent(path))?;
                files::write_atomic(path, super::DEMO_CLIP)
            }),
            icon: ICON,
        };
        let engine = move || Engine::new(places);
        ui::run(opening, |wake| worker::spawn(engine, wake))
            .map_err(|error| format!("the window cannot be opened: {error}"))
    }

    /// Elsewhere than on these systems there is always one.
    fn has_display() -> bool {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let needs_one = cfg!(all(unix, not(target_os = "macos")));
        !needs_one || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
    }
}

#[cfg(not(feature = "gui"))]
mod window {
    //! A build for servers.

    use std::path::PathBuf;

    use fresco_studio::worker::message::{ModelSources, Places};

    /// Says that there is none.
    pub fn open(
        _file: Option<PathBuf>,
        _environment: ModelSources,
        _places: Places,
    ) -> Result<(), String> {
        Err("this build has no window".to_owned())
    }
}
