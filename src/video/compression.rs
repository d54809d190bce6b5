//! How pictures are compressed: which encoders serve, best first, and how each is asked.

use super::error::VideoError;
use super::ffmpeg::Ffmpeg;
use crate::frame::Size;

/// How pictures are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// H.264, which everything plays.
    H264 {
        /// Quality from 0 (lossless) to 51; where libx264 is missing, a high fixed bit rate replaces it.
        crf: u8,
    },
    /// H.265: smaller, and not played everywhere.
    H265 {
        /// Quality from 0 to 51; where libx265 is missing, a high fixed bit rate replaces it.
        crf: u8,
    },
    /// `ProRes` 422 HQ, for editing.
    ProRes,
    /// FFV1: lossless.
    Ffv1,
}

/// An encoder and how it is asked.
pub(super) struct Picture {
    /// FFmpeg's name of the pixel format.
    pub pixel_format: &'static str,
    /// Arguments that ask for it.
    pub args: Vec<String>,
}

impl Compression {
    /// What people call it.
    fn name(self) -> &'static str {
        match self {
            Self::H264 { .. } => "H.264",
            Self::H265 { .. } => "H.265",
            Self::ProRes => "ProRes",
            Self::Ffv1 => "FFV1",
        }
    }

    /// Encoders, best first. Those of H.264 and H.265 but the first work on even sizes only.
    fn encoders(self) -> &'static [&'static str] {
        match self {
            Self::H264 { .. } => &["libx264", "libopenh264", "h264_videotoolbox", "h264_mf"],
            Self::H265 { .. } => &["libx265", "hevc_videotoolbox", "hevc_mf"],
            Self::ProRes => &["prores_ks", "prores_videotoolbox"],
            Self::Ffv1 => &["ffv1"],
        }
    }

    /// Whether this FFmpeg can write it.
    #[must_use]
    pub fn is_possible(self, ffmpeg: &Ffmpeg) -> bool {
        self.encoders().iter().any(|name| ffmpeg.has_encoder(name))
    }

    fn choose(self, is_even: bool, has: impl Fn(&str) -> bool) -> Option<&'static str> {
        let all = self.encoders();
        let is_halved = matches!(self, Self::H264 { .. } | Self::H265 { .. });
        let usable = if is_even || !is_halved {
            all
        } else {
            &all[..1]
        };
        usable.iter().copied().find(|name| has(name))
    }

    /// The encoder and pixel format for pictures of a size.
    ///
    /// There are no B-frames, so packets are in presentation order: durations are then exact in every container, at the
    /// price of a few per cent in size. 4:2:0 halves both sides, so odd sizes are written as 4:4:4, which keeps the
    /// exact size but needs libx264 or libx265 and a player that knows that profile.
    pub(super) fn picture(
        self,
        ffmpeg: &Ffmpeg,
        size: Size,
        rate: f64,
    ) -> Result<Picture, VideoError> {
        let is_even = size.width.is_multiple_of(2) && size.height.is_multiple_of(2);
        let encoder = self
            .choose(is_even, |name| ffmpeg.has_encoder(name))
            .ok_or_else(|| VideoError::NoEncoder {
                wanted: if is_even {
                    self.name().to_owned()
                } else {
                    format!("{} of {size}", self.name())
                },
            })?;
        let mut args = ["-c:v", encoder].map(str::to_owned).to_vec();
        let pixel_format = match self {
            Self::H264 { .. } | Self::H265 { .. } if is_even => "yuv420p",
            Self::H264 { .. } | Self::H265 { .. } => "yuv444p",
            Self::ProRes => "yuv422p10le",
            // RGB as the pictures are, so that nothing is lost.
            Self::Ffv1 => "bgr0",
        };
        args.extend(self.options(encoder, size, rate));
        Ok(Picture { pixel_format, args })
    }

    fn options(self, encoder: &str, size: Size, rate: f64) -> Vec<String> {
        let text = match (self, encoder) {
            (Self::H264 { crf }, "libx264") => format!("-bf 0 -preset medium -crf {crf}"),
            (Self::H265 { crf }, "libx265") => {
                // Apple's players know it by this tag.
                format!(
                    "-x265-params bframes=0:log-level=error -preset medium -crf {crf} -tag:v hvc1"
                )
            }
            (Self::H264 { .. } | Self::H265 { .. }, _) => {
                // The others have no common scale of quality; a fifth of a bit a pixel is generous.
                let bits = (size.area() as f64 * rate / 5.0).max(1e6) as u64;
                let tag = if matches!(self, Self::H265 { .. }) {
                    " -tag:v hvc1"
                } else {
                    ""
                };
                format!("-bf 0 -b:v {bits}{tag}")
            }
            (Self::ProRes, _) => "-profile:v 3 -vendor apl0".to_owned(),
            (Self::Ffv1, _) => "-level 3 -g 1 -slices 12 -slicecrc 1".to_owned(),
        };
        text.split(' ').map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_encoder_that_exists_is_chosen() {
        let h264 = Compression::H264 { crf: 16 };
        assert_eq!(h264.choose(true, |_| true), Some("libx264"));
        let one = |name: &str| name == "libopenh264";
        assert_eq!(h264.choose(true, one), Some("libopenh264"));
        assert_eq!(h264.choose(false, one), None);
        assert_eq!(h264.choose(true, |_| false), None);
        let other = |name: &str| name == "prores_videotoolbox";
        assert_eq!(
            Compression::ProRes.choose(false, other),
            Some("prores_videotoolbox")
        );
    }
}
