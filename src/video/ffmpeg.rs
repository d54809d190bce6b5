//! Finds the two programs, checks their version, and asks what they can do.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use ffmpeg_sidecar::command::FfmpegCommand;

use super::error::VideoError;

/// Version of an FFmpeg release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
}

impl Version {
    /// The oldest release that is accepted: the first with `-fps_mode`.
    pub const OLDEST: Self = Self { major: 5, minor: 1 };

    /// The version of libavutil in that release.
    const OLDEST_LIBAVUTIL: Self = Self {
        major: 57,
        minor: 28,
    };

    /// Reads what `ffmpeg -version` prints.
    ///
    /// A development build has no release number; its libavutil tells whether it is recent enough.
    fn parse(text: &str) -> Option<Self> {
        let release = text
            .strip_prefix("ffmpeg version ")
            .and_then(leading_numbers);
        let libavutil = text
            .lines()
            .find_map(|line| line.strip_prefix("libavutil"))
            .and_then(|rest| leading_numbers(&rest.replace(' ', "")));
        // Builds named after their date begin with a year.
        match (release.filter(|version| version.major < 2000), libavutil) {
            (Some(version), _) => Some(version),
            (None, Some(library)) if library >= Self::OLDEST_LIBAVUTIL => Some(Self::OLDEST),
            (None, Some(_)) => Some(Self { major: 5, minor: 0 }),
            (None, None) => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The number, dot, number at the beginning, after the `n` that some builds put there.
fn leading_numbers(text: &str) -> Option<Version> {
    let text = text.strip_prefix('n').unwrap_or(text);
    let mut parts = text.splitn(3, |c: char| !c.is_ascii_digit());
    Some(Version {
        major: parts.next()?.parse().ok()?,
        minor: parts.next()?.parse().ok()?,
    })
}

/// A usable pair of `ffmpeg` and `ffprobe`.
#[derive(Clone, Debug)]
pub struct Ffmpeg {
    program: PathBuf,
    ffprobe: PathBuf,
    version: Version,
    encoders: OnceLock<BTreeSet<String>>,
    decoders: OnceLock<BTreeSet<String>>,
    filters: OnceLock<BTreeSet<String>>,
}

impl Ffmpeg {
    /// Looks for `ffmpeg` and, beside it or on `PATH`, `ffprobe`.
    ///
    /// `explicit` is a folder that holds both or the path of `ffmpeg` itself; without it `PATH` is searched.
    ///
    /// # Errors
    /// [`VideoError::NotFound`], [`VideoError::TooOld`], or [`VideoError::Run`] if a program does not start.
    pub fn find(explicit: Option<&Path>) -> Result<Self, VideoError> {
        let not_found = || VideoError::NotFound {
            searched: explicit.map(Path::to_owned),
        };
        let ffmpeg = match explicit {
            Some(path) if path.is_dir() => program_in(path, "ffmpeg"),
            Some(path) => path.is_file().then(|| path.to_owned()),
            None => Some(PathBuf::from("ffmpeg")),
        }
        .ok_or_else(not_found)?;
        // A bare name is looked up on `PATH` by the system when it starts.
        let beside = ffmpeg
            .parent()
            .and_then(|folder| program_in(folder, "ffprobe"));
        let ffprobe = beside.unwrap_or_else(|| PathBuf::from("ffprobe"));
        let answer = |program: &Path| match output_of(program, &["-version"]) {
            Err(VideoError::Run { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(not_found())
            }
            answer => answer,
        };
        let about = answer(&ffmpeg)?;
        answer(&ffprobe)?;
        let version = Version::parse(&about).ok_or_else(|| VideoError::Run {
            path: ffmpeg.clone(),
            source: io::Error::new(io::ErrorKind::InvalidData, "no version in its answer"),
        })?;
        if version < Version::OLDEST {
            return Err(VideoError::TooOld {
                version,
                path: ffmpeg,
            });
        }
        tracing::debug!(%version, path = %ffmpeg.display(), "found FFmpeg");
        let [encoders, decoders, filters] = [const { OnceLock::new() }; 3];
        Ok(Self {
            program: ffmpeg,
            ffprobe,
            version,
            encoders,
            decoders,
            filters,
        })
    }

    /// Version of the release; development builds count as the oldest that is accepted.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Where `ffmpeg` is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.program
    }

    /// Whether this build has the encoder, for example `libx264`.
    #[must_use]
    pub fn has_encoder(&self, name: &str) -> bool {
        self.encoders
            .get_or_init(|| self.names("-encoders"))
            .contains(name)
    }

    /// Whether this build has the decoder, for example `libvpx-vp9`.
    #[must_use]
    pub fn has_decoder(&self, name: &str) -> bool {
        self.decoders
            .get_or_init(|| self.names("-decoders"))
            .contains(name)
    }

    /// Whether this build has the filter, for example `zscale`.
    #[must_use]
    pub fn has_filter(&self, name: &str) -> bool {
        self.filters
            .get_or_init(|| self.names("-filters"))
            .contains(name)
    }

    /// A command that is silent but for errors and asks nothing.
    pub(super) fn command(&self) -> FfmpegCommand {
        let mut command = FfmpegCommand::new_with_path(&self.program);
        detach(command.as_inner_mut());
        command.args(["-hide_banner", "-nostats", "-loglevel", "error"]);
        command
    }

    /// Runs `ffprobe` on a file and returns what it printed, or what it complained about.
    pub(super) fn ffprobe(
        &self,
        args: &[&str],
        path: &Path,
    ) -> Result<Result<String, String>, VideoError> {
        let run = || {
            let mut command = Command::new(&self.ffprobe);
            command
                .args(["-hide_banner", "-loglevel", "error"])
                .args(args)
                .arg(file_url(path));
            detach(&mut command);
            command.stdin(Stdio::null()).output()
        };
        let output = run().map_err(|source| VideoError::Run {
            path: self.ffprobe.clone(),
            source,
        })?;
        Ok(if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr)
                .trim()
                .replace('\n', "; "))
        })
    }

    /// Runs `ffprobe` on a file and visits the lines that it prints as they come.
    ///
    /// It goes on after damaged parts, so its complaints are not reported.
    pub(super) fn ffprobe_lines(
        &self,
        args: &[&str],
        path: &Path,
        mut visit: impl FnMut(&str),
    ) -> Result<(), VideoError> {
        let mut command = Command::new(&self.ffprobe);
        detach(&mut command);
        command
            .args(["-hide_banner", "-loglevel", "quiet"])
            .args(args)
            .arg(file_url(path));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut run = || {
            let mut child = command.spawn()?;
            if let Some(stdout) = child.stdout.take() {
                let mut lines = BufReader::new(stdout).lines();
                lines.try_for_each(|line| line.map(|line| visit(&line)))?;
            }
            child.wait().map(drop)
        };
        run().map_err(|source| VideoError::Run {
            path: self.ffprobe.clone(),
            source,
        })
    }

    /// The second column of one of FFmpeg's lists.
    fn names(&self, list: &str) -> BTreeSet<String> {
        output_of(&self.program, &["-hide_banner", list])
            .inspect_err(|error| tracing::warn!(%error, list, "FFmpeg lists nothing"))
            .unwrap_or_default()
            .lines()
            .filter_map(|line| line.split_whitespace().nth(1))
            .map(str::to_owned)
            .collect()
    }
}

/// The path as FFmpeg takes it: without the prefix, a colon or a leading dash in a name has a meaning.
pub(super) fn file_url(path: &Path) -> OsString {
    let mut url = OsString::from("file:");
    url.push(path);
    url
}

/// What a program prints. An interrupt that hits it in the moment before it is detached does not count: it is asked
/// again.
fn output_of(program: &Path, args: &[&str]) -> Result<String, VideoError> {
    let run = || {
        let mut command = Command::new(program);
        detach(&mut command);
        command.args(args).stdin(Stdio::null()).output()
    };
    let mut output = run();
    if matches!(&output, Ok(output) if output.status.code().is_none()) {
        output = run();
    }
    let output = output.map_err(|source| VideoError::Run {
        path: program.to_owned(),
        source,
    })?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn program_in(folder: &Path, name: &str) -> Option<PathBuf> {
    let path = folder.join(name).with_extension(env::consts::EXE_EXTENSION);
    path.is_file().then_some(path)
}

/// Detaches a child from the terminal: a key that interrupts this program reaches the child through its pipes only,
/// after this program has noticed. On Windows, no console flashes up beside the window.
#[cfg(unix)]
fn detach(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(windows)]
fn detach(command: &mut Command) {
    use std::os::windows::process::CommandExt as _;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    command.creation_flags(CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP);
}

#[cfg(not(any(unix, windows)))]
fn detach(_command: &mut Command) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_the_answers_of_different_builds() {
        let read = |text: &str| Version::parse(text).map(|version| version.to_string());
        let git =
            |library| format!("ffmpeg version N-121-gdeadbeef Copyright\nlibavutil      {library}");
        assert_eq!(
            read("ffmpeg version 5.1.9-0+deb12u1 Copyright").as_deref(),
            Some("5.1")
        );
        assert_eq!(
            read("ffmpeg version n7.0 Copyright").as_deref(),
            Some("7.0")
        );
        assert_eq!(
            read("ffmpeg version 3.4.11 Copyright").as_deref(),
            Some("3.4")
        );
        assert_eq!(
            read(&git("59. 39.100 / 59. 39.100")).as_deref(),
            Some("5.1")
        );
        assert_eq!(
            read(&git("56. 70.100 / 56. 70.100")).as_deref(),
            Some("5.0")
        );
        let dated = "ffmpeg version 2024-05-13-git-37db0454e4-full\nlibavutil      59. 17.100";
        assert_eq!(read(dated).as_deref(), Some("5.1"));
        assert_eq!(read("bash: no such thing"), None);
    }

    #[test]
    fn versions_are_ordered_by_number() {
        let version = |major, minor| Version { major, minor };
        assert!(version(4, 4) < Version::OLDEST);
        assert!(version(5, 0) < Version::OLDEST);
        assert!(version(10, 0) > Version::OLDEST);
    }
}
