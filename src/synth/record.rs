//! Pixel records: style and guides of one pixel in sixteen bytes, and the integer weights of their differences.
//!
//! One 128-bit load then fetches all that a patch comparison needs of a pixel. The ramps of the position guide have two
//! channels; its third would always be zero.

use super::SynthError;
use super::pyramid::Pyramid;
use crate::frame::{Frame, Size};

/// Style red, green, blue; colour, edge and temporal guide likewise; position down and across; two bytes unused.
///
/// Mirrors the `vec4<u32>` of `shaders/shared/record.wgsl`, little-endian.
pub type Record = [u8; 16];

/// Weight of each byte's squared difference: those of the reference (⅓ 2 ⅙ ⅙ ⅔) times [`SCALE`].
pub const WEIGHTS: [i16; 16] = [10, 10, 10, 60, 60, 60, 5, 5, 5, 5, 5, 5, 20, 20, 0, 0];

/// The integer energy is this many times the reference's.
pub const SCALE: u32 = 30;

/// The guide pictures of one frame, all of one size.
#[derive(Clone, Copy, Debug)]
pub struct Guides<'a> {
    /// The input frame.
    pub colour: &'a Frame,
    /// Its edges.
    pub edge: &'a Frame,
    /// What the previous step painted, moved here by the flow; on the keyframe's side, the keyframe.
    pub temporal: &'a Frame,
    /// Where in the keyframe each pixel comes from: red is the row, green the column; blue is not used.
    pub position: &'a Frame,
}

/// A keyframe in style and guides, ready to be copied from at every level.
#[derive(Clone, Debug)]
pub struct Source {
    pyramid: Pyramid,
}

impl Source {
    /// Packs a keyframe (the style) and the guides of its own frame.
    ///
    /// # Errors
    /// If the pictures differ in size, or are too small or too large for patches.
    pub fn new(style: &Frame, guides: &Guides<'_>) -> Result<Self, SynthError> {
        check(style.size(), guides)?;
        let records = pack(Some(style), guides);
        Ok(Self {
            pyramid: Pyramid::new(style.size(), records),
        })
    }

    /// Width and height of the keyframe.
    #[must_use]
    pub fn size(&self) -> Size {
        self.pyramid.size()
    }

    /// The records at every level.
    #[must_use]
    pub fn pyramid(&self) -> &Pyramid {
        &self.pyramid
    }
}

/// Complains about guides that are not of this size, and about a size without room for patches.
pub(super) fn check(size: Size, guides: &Guides<'_>) -> Result<(), SynthError> {
    let Guides {
        colour,
        edge,
        temporal,
        position,
    } = guides;
    let pictures = [
        ("colour guide", colour),
        ("edge guide", edge),
        ("temporal guide", temporal),
        ("position guide", position),
    ];
    if let Some((what, picture)) = pictures.iter().find(|(_, p)| p.size() != size) {
        return Err(SynthError::Size {
            what,
            found: picture.size(),
            expected: size,
        });
    }
    if size.width.min(size.height) < super::patch::SIDE as u32 {
        return Err(SynthError::TooSmall(size));
    }
    if size.width.max(size.height) > 1 << 15 {
        return Err(SynthError::TooLarge(size));
    }
    Ok(())
}

/// Interleaves the pictures; without a style its bytes are zero.
///
/// Twin: `shaders/synth/pack.wgsl`.
#[must_use]
pub fn pack(style: Option<&Frame>, guides: &Guides<'_>) -> Vec<Record> {
    let three = |picture: &'_ Frame| picture.pixels().as_chunks::<3>().0.to_vec();
    let n = guides.colour.size().area();
    let style = style.map_or_else(|| vec![[0; 3]; n], three);
    let pixels = style.iter().zip(guides.colour.pixels().as_chunks::<3>().0);
    let pixels = pixels.zip(guides.edge.pixels().as_chunks::<3>().0);
    let pixels = pixels.zip(guides.temporal.pixels().as_chunks::<3>().0);
    let pixels = pixels.zip(guides.position.pixels().as_chunks::<3>().0);
    pixels
        .map(|((((s, c), e), t), p)| {
            [
                s[0], s[1], s[2], c[0], c[1], c[2], e[0], e[1], e[2], t[0], t[1], t[2], p[0], p[1],
                0, 0,
            ]
        })
        .collect()
}
