//! What tests of whole jobs share: small generated clips, the program as a child, its events, folders.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;
use std::time::SystemTime;

use fresco_studio::pipeline::job::{DeviceChoice, JobSpec, KeyframeGap};
use serde_json::Value;
use tempfile::TempDir;

/// A picture that moves.
pub const MOVING: &str = "testsrc2=s=64x64:r=8";

/// A folder with clips and results.
pub struct Studio {
    pub folder: TempDir,
}

impl Studio {
    /// Nothing, after saying so, where there is no FFmpeg.
    pub fn new() -> Option<Self> {
        if Command::new("ffmpeg").arg("-version").output().is_err() {
            eprintln!("skipped: no ffmpeg to make clips with");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("results")).unwrap();
        Some(Self { folder })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A result's name, in a folder of nothing but results.
    pub fn out(&self, name: &str) -> PathBuf {
        self.path("results").join(name)
    }

    /// Runs FFmpeg with arguments, to which the file is appended.
    pub fn make(&self, name: &str, args: &[&str]) -> PathBuf {
        let path = self.path(name);
        let output = Command::new("ffmpeg")
            .args(["-v", "error", "-y"])
            .args(args)
            .arg(&path)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {told}");
        path
    }

    /// A clip of a generated picture, with sound.
    pub fn clip(&self, name: &str, picture: &str, n_frames: usize) -> PathBuf {
        let n_frames = n_frames.to_string();
        let inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine"];
        let ends = ["-frames:v", &n_frames, "-shortest", "-c:a", "aac"];
        self.make(name, &[&inputs[..], &ends].concat())
    }

    /// A quick job on the processor; each name of a result has a working folder of its own.
    pub fn spec(&self, source: &Path, out: &str) -> JobSpec {
        JobSpec {
            source: source.to_owned(),
            out: self.out(out),
            work: Some(self.path(&format!("work-{out}"))),
            prompt: "a cartoon".into(),
            device: DeviceChoice::Cpu,
            size: Some(64),
            steps: 3,
            batch_size: 3,
            keyframe_gap: KeyframeGap::Fixed(1),
            ..JobSpec::default()
        }
    }

    /// The same as [`Self::spec`] on a command line.
    pub fn flags(&self, source: &Path, out: &str) -> Vec<String> {
        let work = self.path(&format!("work-{out}"));
        let paths = [source, &self.out(out), &work].map(|path| path.to_str().unwrap().to_owned());
        let [source, out, work] = paths;
        let fixed = "--prompt|a cartoon|--device|cpu|--size|64|--steps|3|--batch-size|3|--keyframe-gap|1|--json";
        let mut flags = vec![
            "translate".into(),
            source,
            "--out".into(),
            out,
            "--work".into(),
            work,
        ];
        flags.extend(fixed.split('|').map(ToOwned::to_owned));
        flags
    }
}

/// Gives a flag of a command line another value.
pub fn set(flags: &mut [String], name: &str, value: &str) {
    let place = flags.iter().position(|flag| flag == name).unwrap();
    value.clone_into(&mut flags[place + 1]);
}

/// Takes a flag and its value out of a command line.
pub fn unset(flags: &mut Vec<String>, name: &str) {
    let place = flags.iter().position(|flag| flag == name).unwrap();
    flags.drain(place..place + 2);
}

/// The program, running.
pub struct Program {
    child: Child,
    lines: BufReader<ChildStdout>,
    errors: JoinHandle<String>,
    events: Vec<Value>,
}

/// How the program ended.
pub struct Ended {
    pub code: Option<i32>,
    pub events: Vec<Value>,
    pub errors: String,
}

impl Program {
    pub fn start(flags: &[String]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fresco-studio"));
        Self::start_as(command.args(flags))
    }

    pub fn start_as(command: &mut Command) -> Self {
        let pipes = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let read = move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        };
        let errors = std::thread::Builder::new().spawn(read).unwrap();
        Self {
            child,
            lines,
            errors,
            events: Vec::new(),
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Reads events up to the first that `wanted` accepts.
    pub fn until(&mut self, wanted: impl Fn(&Value) -> bool) {
        while let Some(event) = self.next_event() {
            let found = wanted(&event);
            self.events.push(event);
            if found {
                return;
            }
        }
        panic!("the event never came: {:#?}", self.events);
    }

    /// Ends the program as a power cut does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn finish(mut self) -> Ended {
        while let Some(event) = self.next_event() {
            self.events.push(event);
        }
        Ended {
            code: self.child.wait().unwrap().code(),
            events: self.events,
            errors: self.errors.join().unwrap(),
        }
    }

    fn next_event(&mut self) -> Option<Value> {
        let mut line = String::new();
        let n_bytes = self.lines.read_line(&mut line).unwrap();
        (n_bytes > 0).then(|| serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}")))
    }
}

impl Ended {
    /// Frames of the keyframe events, in order.
    pub fn keyframes(&self) -> Vec<u64> {
        let frames = self
            .events
            .iter()
            .filter(|event| event["event"] == "keyframe");
        frames
            .map(|event| event["frame"].as_u64().unwrap())
            .collect()
    }

    pub fn assert_finished(&self) {
        assert_eq!(self.code, Some(0), "{}", self.errors);
        assert_eq!(self.events.last().unwrap()["event"], "finished");
    }
}

/// Runs the program to its end.
pub fn run(flags: &[String]) -> Ended {
    Program::start(flags).finish()
}

pub fn is_stage(event: &Value, stage: &str) -> bool {
    event["event"] == "stage" && event["stage"] == stage
}

/// Names of everything in a folder, sorted.
pub fn names_in(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let names = fs::read_dir(folder).unwrap().map(name);
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

/// Copies a folder with all that is in it.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in names_in(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

/// Content and time of every file in a folder, by name.
pub fn files_in(folder: &Path) -> Vec<(String, Vec<u8>, SystemTime)> {
    let read = |name: String| {
        let path = folder.join(&name);
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        (name, fs::read(&path).unwrap(), time)
    };
    names_in(folder).into_iter().map(read).collect()
}

/// Content of every file in a folder, by name.
pub fn contents_of(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = files_in(folder).into_iter();
    files.map(|(name, content, _)| (name, content)).collect()
}

/// What FFmpeg's prober says of a file: values of `entries`, a line for each.
pub fn ffprobe(path: &Path, entries: &str) -> Vec<String> {
    let form = ["-v", "error", "-of", "default=nw=1:nk=1", "-show_entries"];
    let output = Command::new("ffprobe")
        .args(form)
        .arg(entries)
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(ToOwned::to_owned).collect()
}

/// Times at which the frames of a file are shown, in seconds.
pub fn frame_times(path: &Path) -> Vec<f64> {
    let form = ["-v", "error", "-of", "csv=p=0", "-select_streams", "v:0"];
    let output = Command::new("ffprobe")
        .args(form)
        .args(["-show_entries", "frame=pts_time"])
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let time = |line: &str| line.trim_end_matches(',').parse().unwrap();
    text.lines()
        .filter(|line| !line.is_empty())
        .map(time)
        .collect()
}
