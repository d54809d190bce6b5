//! Writes raw RGB frames with their times as a Matroska stream, for FFmpeg to read from a pipe.
//!
//! Of the formats that FFmpeg reads without seeking, this is the simplest that gives every frame a time of its own.
//! One cluster holds one frame. Times are whole nanoseconds: far below a tick of any source, so FFmpeg's rounding to
//! the source's time base restores the exact ticks.
//!
//! Source: RFC 8794 (EBML) and RFC 9559 (Matroska).

use std::io::{self, Write};

use crate::frame::{Frame, Size};

/// Writes everything before the first frame.
///
/// `frame_ns` is the usual duration of a frame in nanoseconds.
pub(super) fn write_header(out: &mut impl Write, size: Size, frame_ns: u64) -> io::Result<()> {
    let header = [
        uint(&[0x42, 0x86], 1),
        uint(&[0x42, 0xF7], 1),
        uint(&[0x42, 0xF2], 4),
        uint(&[0x42, 0xF3], 8),
        element(&[0x42, 0x82], b"matroska"),
        uint(&[0x42, 0x87], 4),
        uint(&[0x42, 0x85], 2),
    ];
    let info = [
        uint(&[0x2A, 0xD7, 0xB1], 1), // TimestampScale: one nanosecond
        element(&[0x4D, 0x80], b"fresco-studio"),
        element(&[0x57, 0x41], b"fresco-studio"),
    ];
    let video = [
        uint(&[0xB0], size.width.into()),
        uint(&[0xBA], size.height.into()),
        uint(&[0x9A], 2),                         // FlagInterlaced: progressive
        element(&[0x2E, 0xB5, 0x24], b"RGB\x18"), // UncompressedFourCC: 24 bits
    ];
    let track = [
        uint(&[0xD7], 1),
        uint(&[0x73, 0xC5], 1),
        uint(&[0x83], 1), // TrackType: video
        uint(&[0x9C], 0), // FlagLacing: none
        uint(&[0x23, 0xE3, 0x83], frame_ns),
        element(&[0x86], b"V_UNCOMPRESSED"),
        element(&[0xE0], &video.concat()),
    ];
    out.write_all(&element(&[0x1A, 0x45, 0xDF, 0xA3], &header.concat()))?;
    // Segment, of unknown size.
    out.write_all(&[
        0x18, 0x53, 0x80, 0x67, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    ])?;
    out.write_all(&element(&[0x15, 0x49, 0xA9, 0x66], &info.concat()))?;
    out.write_all(&element(
        &[0x16, 0x54, 0xAE, 0x6B],
        &element(&[0xAE], &track.concat()),
    ))
}

/// Writes a frame that is shown at `time_ns` for `duration_ns` nanoseconds.
pub(super) fn write_frame(
    out: &mut impl Write,
    frame: &Frame,
    time_ns: u64,
    duration_ns: u64,
) -> io::Result<()> {
    // Track 1, no offset to the cluster, no flags.
    const BLOCK: [u8; 4] = [0x81, 0, 0, 0];
    let pixels = frame.pixels();
    let timestamp = uint(&[0xE7], time_ns);
    let duration = uint(&[0x9B], duration_ns);
    let block = head(&[0xA1], BLOCK.len() + pixels.len());
    let group = head(
        &[0xA0],
        duration.len() + block.len() + BLOCK.len() + pixels.len(),
    );
    let content =
        timestamp.len() + group.len() + duration.len() + block.len() + BLOCK.len() + pixels.len();
    let cluster = head(&[0x1F, 0x43, 0xB6, 0x75], content);
    out.write_all(&[&cluster[..], &timestamp, &group, &duration, &block, &BLOCK].concat())?;
    out.write_all(pixels)
}

fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    [&head(id, content.len()), content].concat()
}

fn uint(id: &[u8], value: u64) -> Vec<u8> {
    element(id, &value.to_be_bytes())
}

/// Identifier and size; the size always takes eight bytes.
fn head(id: &[u8], content: usize) -> Vec<u8> {
    const EIGHT_BYTES: u64 = 1 << 56;
    [id, &(EIGHT_BYTES | content as u64).to_be_bytes()].concat()
}
