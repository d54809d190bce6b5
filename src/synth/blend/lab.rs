//! CIELAB in bytes: lightness in 0…255, both colour axes shifted by 128; white is D65, RGB is sRGB.
//!
//! Conversions are in integers with small tables, so every device gives the same bytes. They follow OpenCV's 8-bit
//! conversions value for value, since the reference blends in those: rounding a colour differently here would show as
//! another picture after the fusion of gradients.

use std::sync::LazyLock;

use rayon::prelude::*;

use crate::frame::{Frame, Size};

/// A picture in CIELAB: three bytes a pixel, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lab {
    size: Size,
    pixels: Vec<[u8; 3]>,
}

impl Lab {
    /// Wraps lightness and both colour axes of each pixel.
    ///
    /// # Panics
    /// If `pixels` does not hold exactly one for each pixel of `size`.
    #[must_use]
    pub fn new(size: Size, pixels: Vec<[u8; 3]>) -> Self {
        assert_eq!(pixels.len(), size.area(), "one colour a pixel");
        Self { size, pixels }
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// One colour a pixel, row by row.
    #[must_use]
    pub fn pixels(&self) -> &[[u8; 3]] {
        &self.pixels
    }
}

/// Converts a picture.
///
/// Twin: `shaders/blend/lab.wgsl`.
#[must_use]
pub fn from_rgb(picture: &Frame) -> Lab {
    let pixels = picture.pixels().as_chunks::<3>().0;
    Lab::new(
        picture.size(),
        pixels.par_iter().map(|p| lab_of(*p)).collect(),
    )
}

/// Converts a picture back.
///
/// Twin: `shaders/blend/unlab.wgsl`.
#[must_use]
pub fn to_rgb(picture: &Lab) -> Frame {
    let pixels: Vec<[u8; 3]> = picture.pixels.par_iter().map(|p| rgb_of(*p)).collect();
    Frame::new(picture.size, pixels.into_flattened())
}

/// Linear RGB to XYZ over the white's, times 2¹².
const XYZ_FROM_RGB: [[i32; 3]; 3] = [[1777, 1541, 778], [871, 2929, 296], [73, 448, 3575]];
/// XYZ over the white's to linear RGB, times 2¹².
const RGB_FROM_XYZ: [[i32; 3]; 3] = [[12615, -6296, -2223], [-3773, 7684, 185], [217, -836, 4715]];

/// Linear light of a byte, up to 255 · 8.
const LINEAR_STEPS: f64 = 255.0 * 8.0;
/// Cube roots are stored times 2¹⁵.
const ROOT_ONE: i32 = 1 << 15;
/// The scale of XYZ and of its cube root on the way back.
const ONE: i32 = 1 << 14;
/// Places in the table of the display curve.
const DISPLAY_STEPS: usize = 1 << 12;

/// What the conversions look up; the shaders get the same tables in a buffer.
#[derive(Debug)]
pub struct Tables {
    /// Linear light of each byte.
    pub linear: [u16; 256],
    /// The cube root, linear near black, of linear light up to white.
    pub root: Vec<u16>,
    /// XYZ's Y and its cube root of each lightness, times 2¹⁴.
    pub lightness: [[i32; 2]; 256],
    /// The byte of linear light in 1/4096.
    pub display: Vec<u8>,
}

/// The tables, computed at first use.
pub static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let linear = |byte: usize| {
        let x = byte as f64 / 255.0;
        let light = if x <= 0.04045 {
            x / 12.92
        } else {
            ((x + 0.055) / 1.055).powf(2.4)
        };
        (light * LINEAR_STEPS).round_ties_even() as u16
    };
    // In single precision, as the reference's table is: that decides entries near a half.
    let root = |i: usize| {
        let x = i as f64 / LINEAR_STEPS;
        let root = if x < 0.008_856 {
            x as f32 * 7.787 + 0.137_931_03
        } else {
            x.cbrt() as f32
        };
        (root * ROOT_ONE as f32).round_ties_even() as u16
    };
    let lightness = |byte: usize| {
        let lightness = byte as f64 * 100.0 / 255.0;
        let root = (lightness + 16.0) / 116.0;
        let y = if lightness <= 8.0 {
            lightness * 27.0 / 24389.0
        } else {
            root * root * root
        };
        [y, root].map(|v| (v * f64::from(ONE)).round_ties_even() as i32)
    };
    let display = |i: usize| {
        let x = i as f64 / DISPLAY_STEPS as f64;
        let shown = if x <= 0.003_130_8 {
            x * 12.92
        } else {
            1.055 * x.powf(1.0 / 2.4) - 0.055
        };
        (shown * 255.0).round_ties_even() as u8
    };
    Tables {
        linear: std::array::from_fn(linear),
        root: (0..=LINEAR_STEPS as usize).map(root).collect(),
        lightness: std::array::from_fn(lightness),
        display: (0..DISPLAY_STEPS).map(display).collect(),
    }
});

/// One colour from RGB.
#[must_use]
pub fn lab_of(rgb: [u8; 3]) -> [u8; 3] {
    let light = rgb.map(|byte| i32::from(TABLES.linear[byte as usize]));
    let [x, y, z] =
        XYZ_FROM_RGB.map(|row| i32::from(TABLES.root[rounded(dot(row, light), 12) as usize]));
    let lightness = 296 * y - 1_336_935;
    let red_green = 500 * (x - y) + 128 * ROOT_ONE;
    let yellow_blue = 200 * (y - z) + 128 * ROOT_ONE;
    [lightness, red_green, yellow_blue].map(|v| rounded(v, 15).clamp(0, 255) as u8)
}

/// One colour back to RGB; what no RGB has is cut off.
#[must_use]
pub fn rgb_of(lab: [u8; 3]) -> [u8; 3] {
    let [lightness, red_green, yellow_blue] = lab.map(i32::from);
    let [y, root] = TABLES.lightness[lightness as usize];
    // Division by 500 and by 200, with the reference's constants for it.
    let across = ((5 * red_green * 53687 + (1 << 7)) >> 13) - 128 * ONE / 500;
    let along = ((yellow_blue * 41943 + (1 << 4)) >> 9) - 128 * ONE / 200 + 1;
    let xyz = [cubed(root + across), y, cubed(root - along)];
    RGB_FROM_XYZ.map(|row| {
        let light = rounded(dot(row, xyz), 14).clamp(0, DISPLAY_STEPS as i32 - 1);
        TABLES.display[light as usize]
    })
}

/// XYZ from its cube root, linear near black.
fn cubed(root: i32) -> i32 {
    if root <= 3390 {
        root * 108 / 841 - 290
    } else {
        root * root / ONE * root / ONE
    }
}

fn dot(row: [i32; 3], vector: [i32; 3]) -> i32 {
    row[0] * vector[0] + row[1] * vector[1] + row[2] * vector[2]
}

/// Divides by `2^bits` and rounds.
fn rounded(value: i32, bits: u32) -> i32 {
    (value + (1 << (bits - 1))) >> bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_colours() {
        // As OpenCV 4 and 5 convert them.
        for (rgb, lab) in [
            ([0, 0, 0], [0, 128, 128]),
            ([255, 255, 255], [255, 128, 128]),
            ([255, 0, 0], [136, 208, 195]),
            ([0, 255, 0], [224, 42, 211]),
            ([0, 0, 255], [82, 207, 20]),
        ] {
            assert_eq!(lab_of(rgb), lab, "{rgb:?}");
        }
    }

    #[test]
    fn greys_return_to_themselves_within_a_level() {
        for grey in 0..=255_u8 {
            let back = rgb_of(lab_of([grey; 3]));
            assert!(
                back.iter().all(|b| b.abs_diff(grey) <= 2),
                "{grey}: {back:?}"
            );
        }
    }

    /// Sums of each channel over a grid of colours, each pixel weighted by its place.
    fn checksums(convert: fn([u8; 3]) -> [u8; 3]) -> [u64; 3] {
        let steps = || (0..=255_u8).step_by(5);
        let colours =
            steps().flat_map(|a| steps().flat_map(move |b| steps().map(move |c| [a, b, c])));
        colours.enumerate().fold([0; 3], |sums, (i, colour)| {
            let converted = convert(colour);
            [0, 1, 2].map(|c| sums[c] + u64::from(converted[c]) * (i as u64 % 251 + 1))
        })
    }

    #[test]
    fn conversions_are_those_of_opencv() {
        // From OpenCV 5.0.0: cvtColor of the same grid, COLOR_RGB2LAB and COLOR_LAB2RGB.
        let to_lab = [2_604_752_424, 2_393_591_898, 2_333_297_972];
        let to_rgb = [1_698_268_588, 1_926_283_402, 2_133_451_409];
        assert_eq!(checksums(lab_of), to_lab);
        assert_eq!(checksums(rgb_of), to_rgb);
    }
}
