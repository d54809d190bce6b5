//! Colour: what a file's numbers mean, and the filters that lead to RGB and back.
//!
//! Reading ends in full-range RGB, 8 bits a channel; writing begins there and ends in BT.709, limited range.
//! Matrix and range are named in both filters, since FFmpeg's own defaults differ from version to version.
//! SDR primaries and transfer are left alone: their mismatch is small and viewers ignore it as well.

use serde::{Deserialize, Serialize};

use crate::frame::Size;

use super::ffmpeg::Ffmpeg;
use super::info::VideoInfo;
use super::pixel_format;

/// Rounds to nearest and interpolates chroma at full resolution: a grey ramp then survives a round trip.
const SCALE_FLAGS: &str = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp";

/// How luma and chroma mix to red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matrix {
    /// The samples are red, green and blue already.
    Rgb,
    /// BT.601, standard definition.
    Bt601,
    /// BT.709, high definition.
    Bt709,
    /// BT.2020, ultra-high definition.
    Bt2020,
    /// SMPTE 240M, early high definition.
    Smpte240m,
    /// FCC, analogue television.
    Fcc,
}

/// Which numbers stand for black and white.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColourRange {
    /// 16 and 235 (of 8 bits).
    Limited,
    /// 0 and 255.
    Full,
}

/// Transfer function of a high dynamic range video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HdrTransfer {
    /// Perceptual quantiser, SMPTE ST 2084 (HDR10, Dolby Vision).
    Pq,
    /// Hybrid log-gamma, ARIB STD-B67.
    Hlg,
}

/// The colour description of a video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colour {
    /// The matrix to read with.
    pub matrix: Matrix,
    /// Whether the file names no usable matrix: BT.709 is then assumed from a height of 720 on, else BT.601.
    pub matrix_assumed: bool,
    /// The range to read with; limited where neither the file nor its pixel format says otherwise.
    pub range: ColourRange,
    /// Primaries as the file names them.
    pub primaries: Option<String>,
    /// Transfer function as the file names it.
    pub transfer: Option<String>,
}

impl Colour {
    /// Interprets the tags of a stream, in `ffprobe`'s words.
    pub(super) fn from_tags(pixel_format: &str, height: u32, tags: [Option<String>; 4]) -> Self {
        let [space, range, primaries, transfer] = tags;
        let named = match space.as_deref() {
            _ if pixel_format::is_rgb(pixel_format) => Some(Matrix::Rgb),
            Some("bt709") => Some(Matrix::Bt709),
            Some("smpte170m" | "bt470bg") => Some(Matrix::Bt601),
            Some("bt2020nc" | "bt2020c") => Some(Matrix::Bt2020),
            Some("smpte240m") => Some(Matrix::Smpte240m),
            Some("fcc") => Some(Matrix::Fcc),
            _ => None,
        };
        let assumed = if height >= 720 {
            Matrix::Bt709
        } else {
            Matrix::Bt601
        };
        let range = match range.as_deref() {
            Some("pc") => ColourRange::Full,
            Some("tv") => ColourRange::Limited,
            _ if pixel_format::is_full_range(pixel_format) => ColourRange::Full,
            _ => ColourRange::Limited,
        };
        Self {
            matrix: named.unwrap_or(assumed),
            matrix_assumed: named.is_none(),
            range,
            primaries,
            transfer,
        }
    }

    /// The transfer function, if it is one of high dynamic range.
    pub(super) fn hdr(&self) -> Option<HdrTransfer> {
        match self.transfer.as_deref() {
            Some("smpte2084") => Some(HdrTransfer::Pq),
            Some("arib-std-b67") => Some(HdrTransfer::Hlg),
            _ => None,
        }
    }
}

/// Whether this FFmpeg can turn high dynamic range into standard range.
pub(super) fn can_tone_map(ffmpeg: &Ffmpeg) -> bool {
    ffmpeg.has_filter("zscale") && ffmpeg.has_filter("tonemap")
}

/// From decoded frames, turned upright by FFmpeg, to RGB24 at display size.
pub(super) fn decode_filter(ffmpeg: &Ffmpeg, info: &VideoInfo) -> String {
    let Size { width, height } = info.display_size;
    let Colour { matrix, range, .. } = info.colour;
    let range = match range {
        ColourRange::Limited => "limited",
        ColourRange::Full => "full",
    };
    if let Some(hdr) = info.hdr.filter(|_| can_tone_map(ffmpeg)) {
        return format!(
            "{},scale={width}:{height}:{SCALE_FLAGS},format=rgb24",
            tone_map(hdr, range)
        );
    }
    let matrix = match matrix {
        Matrix::Rgb => "",
        Matrix::Bt601 => ":in_color_matrix=bt601",
        Matrix::Bt709 => ":in_color_matrix=bt709",
        Matrix::Bt2020 => ":in_color_matrix=bt2020",
        Matrix::Smpte240m => ":in_color_matrix=smpte240m",
        Matrix::Fcc => ":in_color_matrix=fcc",
    };
    let scale =
        format!("scale={width}:{height}{matrix}:in_range={range}:out_range=full:{SCALE_FLAGS}");
    if info.has_alpha {
        // Colour times alpha is the picture on black.
        format!("{scale},format=gbrap,premultiply=inplace=1,format=rgb24")
    } else {
        format!("{scale},format=rgb24")
    }
}

/// To linear light with diffuse white (203 cd/m², BT.2408) at 1, to BT.709 primaries, then down to what SDR can show.
fn tone_map(hdr: HdrTransfer, range: &str) -> String {
    let transfer = match hdr {
        HdrTransfer::Pq => "smpte2084",
        HdrTransfer::Hlg => "arib-std-b67",
    };
    format!(
        "zscale=tin={transfer}:pin=bt2020:min=bt2020nc:rin={range}:t=linear:npl=203,format=gbrpf32le,\
         zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:r=full,format=gbrp"
    )
}

/// From RGB24 to the encoder's pixel format in BT.709, limited range.
pub(super) fn encode_filter(pixel_format: &str) -> String {
    format!(
        "scale=in_range=full:out_color_matrix=bt709:out_range=limited:{SCALE_FLAGS},format={pixel_format},\
         setparams=range=limited:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(pixel_format: &str, height: u32, space: Option<&str>, range: Option<&str>) -> Colour {
        let [space, range] = [space, range].map(|tag| tag.map(str::to_owned));
        Colour::from_tags(pixel_format, height, [space, range, None, None])
    }

    #[test]
    fn an_unnamed_matrix_follows_from_the_height() {
        assert_eq!(colour("yuv420p", 719, None, None).matrix, Matrix::Bt601);
        assert_eq!(colour("yuv420p", 720, None, None).matrix, Matrix::Bt709);
        assert!(colour("yuv420p", 720, None, None).matrix_assumed);
        assert!(!colour("yuv420p", 480, Some("bt709"), None).matrix_assumed);
        assert_eq!(colour("gbrp", 480, None, None).matrix, Matrix::Rgb);
    }

    #[test]
    fn the_range_is_limited_unless_something_says_otherwise() {
        assert_eq!(
            colour("yuv420p", 480, None, None).range,
            ColourRange::Limited
        );
        assert_eq!(
            colour("yuv420p", 480, None, Some("pc")).range,
            ColourRange::Full
        );
        assert_eq!(colour("yuvj420p", 480, None, None).range, ColourRange::Full);
        assert_eq!(
            colour("gray", 480, None, Some("tv")).range,
            ColourRange::Limited
        );
        assert_eq!(colour("rgb24", 480, None, None).range, ColourRange::Full);
    }
}
