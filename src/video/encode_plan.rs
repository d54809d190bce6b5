//! Decides how pictures, sound and subtitles are written: what a container takes and what this FFmpeg can encode.

use std::path::Path;

use crate::frame::Size;

use super::error::VideoError;
use super::ffmpeg::Ffmpeg;
use super::info::VideoInfo;

/// Formats that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Mp4,
    Mov,
    Matroska,
}

/// H.264 encoders, best first. All but the first work on even sizes only.
const ENCODERS: [&str; 4] = ["libx264", "libopenh264", "h264_videotoolbox", "h264_mf"];

impl Container {
    /// The container that the extension of `path` names.
    pub fn of(path: &Path) -> Result<Self, VideoError> {
        let extension = path
            .extension()
            .map(|extension| extension.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("mp4" | "m4v") => Ok(Self::Mp4),
            Some("mov") => Ok(Self::Mov),
            Some("mkv") => Ok(Self::Matroska),
            _ => Err(VideoError::UnknownContainer {
                path: path.to_owned(),
            }),
        }
    }

    /// FFmpeg's name of it.
    pub fn muxer(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Matroska => "matroska",
        }
    }

    /// Whether players expect this sound codec here.
    fn takes_audio(self, codec: &str) -> bool {
        match self {
            Self::Mp4 => matches!(
                codec,
                "aac" | "mp3" | "mp2" | "ac3" | "eac3" | "opus" | "flac" | "alac"
            ),
            Self::Mov => {
                let plain = codec.starts_with("pcm_") && !matches!(codec, "pcm_bluray" | "pcm_dvd");
                plain || matches!(codec, "aac" | "mp3" | "ac3" | "eac3" | "alac")
            }
            Self::Matroska => {
                !codec.starts_with("pcm_")
                    || matches!(codec, "pcm_s16le" | "pcm_s24le" | "pcm_f32le")
            }
        }
    }

    /// The subtitle encoder for a codec: `copy`, another, or nothing if it cannot be kept.
    fn subtitle_encoder(self, codec: &str) -> Option<&'static str> {
        let text = matches!(
            codec,
            "subrip" | "ass" | "ssa" | "webvtt" | "mov_text" | "text"
        );
        match self {
            Self::Mp4 | Self::Mov => text.then_some("mov_text"),
            Self::Matroska => match codec {
                "mov_text" | "text" => Some("srt"),
                "hdmv_pgs_subtitle" | "dvd_subtitle" | "dvb_subtitle" => Some("copy"),
                _ => text.then_some("copy"),
            },
        }
    }
}

/// The encoder and pixel format for pictures of a size, with the arguments that ask for high quality.
///
/// There are no B-frames, so packets are in presentation order: durations are then exact in every container, at the
/// price of a few per cent in size. 4:2:0 halves both sides, so odd sizes are written as 4:4:4, which keeps the exact
/// size but needs libx264 and a player that knows that profile.
pub(super) fn picture_args(
    ffmpeg: &Ffmpeg,
    size: Size,
    rate: f64,
    crf: u8,
) -> Result<(&'static str, Vec<String>), VideoError> {
    let even = size.width.is_multiple_of(2) && size.height.is_multiple_of(2);
    let pixel_format = if even { "yuv420p" } else { "yuv444p" };
    let encoder = choose_encoder(even, |name| ffmpeg.has_encoder(name)).ok_or_else(|| {
        VideoError::NoEncoder {
            wanted: if even {
                "H.264".to_owned()
            } else {
                format!("H.264 of {size}")
            },
        }
    })?;
    let mut args = ["-c:v", encoder, "-bf", "0"].map(str::to_owned).to_vec();
    if encoder == "libx264" {
        args.extend(["-preset", "medium", "-crf", &crf.to_string()].map(str::to_owned));
    } else {
        // The others have no common scale of quality; a fifth of a bit a pixel is generous for H.264.
        let bits = (size.area() as f64 * rate / 5.0).max(1e6) as u64;
        args.extend(["-b:v".to_owned(), bits.to_string()]);
    }
    Ok((pixel_format, args))
}

fn choose_encoder(even: bool, has: impl Fn(&str) -> bool) -> Option<&'static str> {
    let usable = if even { &ENCODERS[..] } else { &ENCODERS[..1] };
    usable.iter().copied().find(|name| has(name))
}

/// Arguments that map the sound and subtitles of input 1, and what is lost, in sentences for people.
pub(super) fn track_args(container: Container, source: &VideoInfo) -> (Vec<String>, Vec<String>) {
    let (mut args, mut notes) = (Vec::new(), Vec::new());
    let mut n_audio = 0;
    for audio in &source.audio {
        if audio.codec.is_empty() {
            notes.push(format!(
                "Sound track {} has an unknown codec and is left out.",
                audio.stream
            ));
            continue;
        }
        args.extend([
            "-map".to_owned(),
            format!("1:{}", audio.stream),
            format!("-c:a:{n_audio}"),
        ]);
        if container.takes_audio(&audio.codec) {
            args.push("copy".to_owned());
        } else {
            args.extend([
                "aac".to_owned(),
                format!("-b:a:{n_audio}"),
                "192k".to_owned(),
            ]);
            notes.push(format!("Sound ({}) is converted to AAC.", audio.codec));
        }
        n_audio += 1;
    }
    let mut n_subtitles = 0;
    for subtitle in &source.subtitles {
        let Some(encoder) = container.subtitle_encoder(&subtitle.codec) else {
            notes.push(format!(
                "Subtitles ({}) cannot be kept in this format.",
                subtitle.codec
            ));
            continue;
        };
        args.extend(["-map".to_owned(), format!("1:{}", subtitle.stream)]);
        args.extend([format!("-c:s:{n_subtitles}"), encoder.to_owned()]);
        n_subtitles += 1;
    }
    (args, notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_chooses_the_container() {
        let of = |name: &str| Container::of(Path::new(name)).ok();
        assert_eq!(of("a/b.mp4"), Some(Container::Mp4));
        assert_eq!(of("b.MOV"), Some(Container::Mov));
        assert_eq!(of("b.c.mkv"), Some(Container::Matroska));
        assert_eq!(of("b.avi"), None);
        assert_eq!(of("mp4"), None);
    }

    #[test]
    fn the_best_encoder_that_exists_is_chosen() {
        assert_eq!(choose_encoder(true, |_| true), Some("libx264"));
        assert_eq!(
            choose_encoder(true, |name| name == "libopenh264"),
            Some("libopenh264")
        );
        assert_eq!(choose_encoder(false, |name| name == "libopenh264"), None);
        assert_eq!(choose_encoder(true, |_| false), None);
    }

    #[test]
    fn tracks_are_copied_only_where_the_container_takes_them() {
        assert!(Container::Mp4.takes_audio("aac") && !Container::Mp4.takes_audio("pcm_s16le"));
        assert!(Container::Mov.takes_audio("pcm_s24be") && !Container::Mov.takes_audio("vorbis"));
        assert!(Container::Matroska.takes_audio("vorbis"));
        assert_eq!(Container::Mp4.subtitle_encoder("subrip"), Some("mov_text"));
        assert_eq!(Container::Mp4.subtitle_encoder("dvd_subtitle"), None);
        assert_eq!(
            Container::Matroska.subtitle_encoder("mov_text"),
            Some("srt")
        );
        assert_eq!(Container::Matroska.subtitle_encoder("ass"), Some("copy"));
    }
}
