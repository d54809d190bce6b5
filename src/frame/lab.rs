//! CIELAB, in which equal distances look about equally different.

use super::Frame;

/// The pixels of a frame, row by row: lightness from 0 to 100, then the green-red and the blue-yellow axis. The frame is
/// sRGB, its white that of D65.
///
/// # Source
/// IEC 61966-2-1 for curve and matrix of sRGB, CIE 15 for CIELAB.
pub fn lab(frame: &Frame) -> impl Iterator<Item = [f64; 3]> {
    let linear: Vec<f64> = (0..=255_u8).map(linear_from_srgb).collect();
    let pixels = frame.pixels().as_chunks::<3>().0.iter();
    pixels.map(move |pixel| lab_from_linear(pixel.map(|level| linear[usize::from(level)])))
}

fn linear_from_srgb(level: u8) -> f64 {
    let value = f64::from(level) / 255.0;
    if value <= 0.04045 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}

fn lab_from_linear([r, g, b]: [f64; 3]) -> [f64; 3] {
    const WHITE: [f64; 3] = [0.950_47, 1.0, 1.088_83];
    const EDGE: f64 = 6.0 / 29.0;
    let curve = |t: f64| {
        if t > EDGE.powi(3) {
            t.cbrt()
        } else {
            t / (3.0 * EDGE * EDGE) + 4.0 / 29.0
        }
    };
    let [x, y, z] = [
        (0.412_456_4 * r + 0.357_576_1 * g + 0.180_437_5 * b) / WHITE[0],
        (0.212_672_9 * r + 0.715_152_2 * g + 0.072_175_0 * b) / WHITE[1],
        (0.019_333_9 * r + 0.119_192_0 * g + 0.950_304_1 * b) / WHITE[2],
    ]
    .map(curve);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}
