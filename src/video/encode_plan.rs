//! Decides how pictures, sound and subtitles are written: what a container takes and what this FFmpeg can encode.

use std::path::Path;

use super::error::VideoError;
use super::info::VideoInfo;

/// Formats that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Mp4,
    Mov,
    Matroska,
}

/// What happens to the sound of the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sound {
    /// It is copied where the format takes it, else converted to AAC.
    #[default]
    Copy,
    /// It is converted to AAC, 192 kbit/s.
    Aac,
    /// It is left out.
    None,
}

/// Which tracks of the source are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracks {
    /// What happens to its sound.
    pub sound: Sound,
    /// Whether its subtitles are kept.
    pub subtitles: bool,
    /// Whether its metadata are kept.
    pub metadata: bool,
}

impl Default for Tracks {
    fn default() -> Self {
        Self {
            sound: Sound::Copy,
            subtitles: true,
            metadata: true,
        }
    }
}

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

/// Arguments that map the sound and subtitles of input 1, and what is lost, in sentences for people.
pub(super) fn track_args(
    container: Container,
    source: &VideoInfo,
    tracks: Tracks,
) -> (Vec<String>, Vec<String>) {
    let (mut args, mut notes) = (Vec::new(), Vec::new());
    let mut n_audio = 0;
    let audio = source.audio.iter();
    for audio in audio.filter(|_| tracks.sound != Sound::None) {
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
        let copies = tracks.sound == Sound::Copy && container.takes_audio(&audio.codec);
        if copies {
            args.push("copy".to_owned());
        } else {
            args.extend([
                "aac".to_owned(),
                format!("-b:a:{n_audio}"),
                "192k".to_owned(),
            ]);
            if tracks.sound == Sound::Copy {
                notes.push(format!("Sound ({}) is converted to AAC.", audio.codec));
            }
        }
        n_audio += 1;
    }
    let mut n_subtitles = 0;
    let subtitles = source.subtitles.iter();
    for subtitle in subtitles.filter(|_| tracks.subtitles) {
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
