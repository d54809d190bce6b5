//! The program itself on a virtual display, driven by keys alone: open, try, translate, be killed, continue, export.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::ffprobe;

/// Long enough for any machine; only reached by a test that fails.
const PATIENCE: Duration = Duration::from_mins(5);
const N_FRAMES: usize = 14;

/// Small and quick: every frame of the range is a keyframe, in batches of three.
const PROJECT: &str = r#"format-version = 1

[settings]
source = "clip.mp4"
prompt = "neon outlines"
device = "cpu"
size = 64
steps = 4
batch-size = 3
keyframe-gap = "1"
consistency = "off"
no-fill = true

[edits.range]
start = 0
end = 14
"#;

fn is_there(program: &str) -> bool {
    let found = Command::new("which")
        .arg(program)
        .stdout(Stdio::null())
        .status();
    found.is_ok_and(|status| status.success())
}

/// Whether everything is there that the test needs. Where GPU tests are required, so is this one.
fn can_run() -> bool {
    let missing: Vec<&str> = ["Xvfb", "xdotool", "ffmpeg"]
        .into_iter()
        .filter(|name| !is_there(name))
        .collect();
    let required = std::env::var_os("FRESCO_REQUIRE_GPU").is_some_and(|value| value == "1");
    assert!(
        missing.is_empty() || !required,
        "missing: {missing:?}; run packaging/linux/install-deps.sh test"
    );
    if !missing.is_empty() {
        eprintln!("skipped: the window needs {missing:?}");
    }
    missing.is_empty()
}

/// A display that nobody sees.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn start() -> Self {
        let mut server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "1440x900x24",
                "-nolisten",
                "tcp",
                // Without it the server starts afresh when its last window is killed.
                "-noreset",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let name = format!(":{}", line.trim());
        Self { server, name }
    }

    fn tool(&self, args: &[&str]) -> Option<String> {
        let output = Command::new("xdotool")
            .args(args)
            .env("DISPLAY", &self.name)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The program, its window and what it says.
struct Window<'a> {
    display: &'a Display,
    program: Child,
    said: Receiver<String>,
    heard: Vec<String>,
    /// What was heard before the last keys.
    n_before: usize,
}

impl<'a> Window<'a> {
    fn open(display: &'a Display, home: &Path) -> Self {
        let runtime = home.join("runtime");
        fs::create_dir_all(&runtime).unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_fresco-studio"))
            .env("DISPLAY", &display.name)
            .env_remove("WAYLAND_DISPLAY")
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_RUNTIME_DIR", &runtime)
            .env("RUST_LOG", "error,fresco_studio::ui=info")
            .env("NO_COLOR", "1")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = program.stderr.take().unwrap();
        let (told, said) = channel();
        let read = move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if told.send(line).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().spawn(read).unwrap();
        let mut window = Self {
            display,
            program,
            said,
            heard: Vec::new(),
            n_before: 0,
        };
        window.focus();
        window.hears("the window has the keyboard");
        window
    }

    /// There is no window manager that would give the keyboard to a new window.
    fn focus(&mut self) {
        let began = Instant::now();
        loop {
            let found = self
                .display
                .tool(&["search", "--onlyvisible", "--name", "FRESCO Studio"]);
            if let Some(id) = found.as_deref().and_then(|ids| ids.lines().next())
                && self.display.tool(&["windowfocus", "--sync", id]).is_some()
            {
                return;
            }
            let ended = self.program.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "it ended: {:?}",
                self.said.try_iter().collect::<Vec<_>>()
            );
            assert!(began.elapsed() < PATIENCE, "the window never opened");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Presses keys; what counts from now on is what is said after them.
    fn keys(&mut self, keys: &[&str]) {
        self.heard.extend(self.said.try_iter());
        self.n_before = self.heard.len();
        let args = [&["key", "--delay", "60"], keys].concat();
        self.display.tool(&args).expect("keys are sent");
    }

    fn write(&self, text: &str) {
        self.display
            .tool(&["type", "--delay", "12", text])
            .expect("text is typed");
    }

    /// Waits until the program has said something since the last keys.
    fn hears(&mut self, text: &str) -> String {
        let began = Instant::now();
        let mut looked_at = self.n_before;
        loop {
            let line = self.heard[looked_at..]
                .iter()
                .find(|line| line.contains(text));
            if let Some(line) = line {
                return line.clone();
            }
            looked_at = self.heard.len();
            let left = PATIENCE.saturating_sub(began.elapsed());
            let line = self.said.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("never said {text:?}: {:#?}", self.heard));
            self.heard.push(line);
        }
    }

    /// Opens a project through the palette.
    fn open_project(&mut self, project: &Path) {
        self.hears("ffmpeg is ready");
        self.keys(&["ctrl+k"]);
        self.hears("the dialog has the keyboard: commands");
        self.write(project.to_str().unwrap());
        self.keys(&["Return"]);
        self.hears("the source is surveyed");
    }

    fn kill(&mut self) {
        self.program.kill().unwrap();
        self.program.wait().unwrap();
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/clip.mp4");
    fs::copy(clip, folder.path().join("clip.mp4")).unwrap();
    let project = folder.path().join("clip.fresco.toml");
    fs::write(&project, PROJECT).unwrap();
    (folder, project)
}

fn keyframes(work: &Path) -> usize {
    fs::read_dir(work.join("keyframes")).map_or(0, Iterator::count)
}

#[test]
fn the_window_is_driven_by_keys_alone() {
    if !can_run() {
        return;
    }
    let (folder, project) = place();
    let work = folder.path().join("clip.fresco");
    let display = Display::start();

    let mut window = Window::open(&display, folder.path());
    window.open_project(&project);
    window.keys(&["p"]);
    window.hears("the try is done");
    window.keys(&["ctrl+Return"]);
    window.hears("a keyframe is done");
    window.kill();
    let n_before = keyframes(&work);
    assert!(
        (1..N_FRAMES).contains(&n_before),
        "killed in the middle, not with {n_before} keyframes"
    );

    let mut window = Window::open(&display, folder.path());
    window.open_project(&project);
    window.keys(&["ctrl+Return"]);
    window.hears("the job is done");
    assert_eq!(keyframes(&work), N_FRAMES);

    window.keys(&["ctrl+e"]);
    window.hears("the dialog has the keyboard: export");
    window.keys(&["Return"]);
    let line = window.hears("the job is done");
    let out = line
        .split("out=")
        .nth(1)
        .expect("the file is named")
        .trim()
        .trim_matches('"');
    let out = Path::new(out);
    assert_eq!(ffprobe(out, "stream=codec_name"), ["h264", "aac"]);
    let counted = ffprobe(out, "format=duration");
    assert!(counted[0].parse::<f64>().unwrap() > 0.4, "{counted:?}");
    window.keys(&["ctrl+q"]);
    let began = Instant::now();
    while window.program.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < PATIENCE, "the window never closed");
        std::thread::sleep(Duration::from_millis(100));
    }
}
