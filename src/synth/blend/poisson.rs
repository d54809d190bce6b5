//! Gradient fusion: the picture nearest to the blend whose gradients are those of the chosen pixels.
//!
//! Gradients are read within one pass each, so none is taken across a seam. The equation is screened (the blend holds
//! the result everywhere), so influence decays within a few pixels and a fixed number of Chebyshev steps suffices; no
//! sum over the picture is needed.
//!
//! # Source
//! P. Bhat, B. Curless, M. Cohen, C. L. Zitnick, "Fourier Analysis of the 2D Screened Poisson Equation for Gradient
//! Domain Problems", ECCV 2008; Chebyshev iteration as in Y. Saad, "Iterative Methods for Sparse Linear Systems".

use rayon::prelude::*;

use super::lab::{self, Lab};
use super::{Mask, Rounding, lsqr};
use crate::frame::{Frame, Size};

/// Weight of gradients against values of each channel: lightness, then both colour axes.
pub const WEIGHTS: [f32; 3] = [2.5, 0.5, 0.5];
/// The same squared, as the equation has it.
pub const WEIGHTS_SQUARED: [f32; 3] = [6.25, 0.25, 0.25];
/// Steps of each channel to within a tenth of a level, with some to spare.
pub const STEPS: [usize; 3] = [30, 5, 5];
/// Larger differences of neighbours are taken for errors.
const MAX_GRADIENT: i16 = 100;

/// How the equation of gradient fusion is solved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Solver {
    /// A fixed number of Chebyshev steps, see [`solve`].
    #[default]
    Chebyshev,
    /// The reference's [LSQR](lsqr), which shows in the last bit where the result is rounded down.
    Reference,
}

/// Replaces the gradients of `contrast` by those of the pixels that `mask` chooses.
///
/// # Panics
/// If the sizes differ.
#[must_use]
pub fn fuse(
    contrast: &Frame,
    gradients: &GradientField,
    solver: Solver,
    rounding: Rounding,
) -> Frame {
    let contrast = lab::from_rgb(contrast);
    let size = contrast.size();
    let quantised = match solver {
        Solver::Chebyshev => {
            let planes = solve(&contrast, &gradients.divergence());
            quantised(size, &planes, rounding)
        }
        Solver::Reference => quantised(size, &lsqr::solve(&contrast, gradients), rounding),
    };
    lab::to_rgb(&quantised)
}

/// By how much each pixel exceeds the next one down and the next one across, within the pass that it is chosen from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GradientField {
    size: Size,
    down: Vec<[i16; 3]>,
    across: Vec<[i16; 3]>,
}

impl GradientField {
    /// The gradients of the chosen pixels: the choice at a pixel is that of its differences to the next row and to the
    /// next column.
    ///
    /// Differences that would leave the picture do not exist; they are zero here.
    ///
    /// # Panics
    /// If the sizes differ.
    #[must_use]
    pub fn of(mask: &Mask, forward: &Lab, backward: &Lab) -> Self {
        let size = mask.size();
        assert_eq!(size, forward.size(), "mask and picture");
        assert_eq!(size, backward.size(), "both pictures");
        let (width, height) = (size.width as usize, size.height as usize);
        let at = |i: usize| {
            let is_backward = mask.values()[i];
            let pixels = if is_backward { backward } else { forward }.pixels();
            let excess_over = |next: usize| {
                let [here, there] = [i, next].map(|i| pixels[i].map(i16::from));
                [0, 1, 2].map(|c| (here[c] - there[c]).clamp(-MAX_GRADIENT, MAX_GRADIENT))
            };
            let down = (i / width + 1 < height).then(|| excess_over(i + width));
            let across = (i % width + 1 < width).then(|| excess_over(i + 1));
            (down.unwrap_or_default(), across.unwrap_or_default())
        };
        let (down, across) = (0..size.area()).into_par_iter().map(at).unzip();
        Self { size, down, across }
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// By how much each pixel exceeds the one below, row by row.
    #[must_use]
    pub fn down(&self) -> &[[i16; 3]] {
        &self.down
    }

    /// By how much each pixel exceeds the one to its right, row by row.
    #[must_use]
    pub fn across(&self) -> &[[i16; 3]] {
        &self.across
    }

    /// The divergence: by how much each pixel exceeds its four neighbours together.
    ///
    /// Twin: `shaders/blend/divergence.wgsl`.
    #[must_use]
    pub fn divergence(&self) -> Vec<[i16; 3]> {
        let width = self.size.width as usize;
        let at = |i: usize| {
            let above = if i < width {
                [0; 3]
            } else {
                self.down[i - width]
            };
            let is_first = i.is_multiple_of(width);
            let left = if is_first { [0; 3] } else { self.across[i - 1] };
            [0, 1, 2].map(|c| self.down[i][c] - above[c] + self.across[i][c] - left[c])
        };
        (0..self.size.area()).into_par_iter().map(at).collect()
    }
}

/// Lightness and both colour axes of the picture with this divergence that is nearest to `contrast`.
///
/// # Panics
/// If there is not one divergence a pixel.
#[must_use]
pub fn solve(contrast: &Lab, divergence: &[[i16; 3]]) -> [Vec<f32>; 3] {
    let size = contrast.size();
    assert_eq!(divergence.len(), size.area(), "one divergence a pixel");
    let channel = |c: usize| {
        let start = contrast.pixels().iter().map(|p| f32::from(p[c])).collect();
        let divergence = divergence.iter().map(|d| f32::from(d[c])).collect();
        chebyshev(size, start, divergence, WEIGHTS_SQUARED[c], STEPS[c])
    };
    let ((lightness, red_green), yellow_blue) =
        rayon::join(|| rayon::join(|| channel(0), || channel(1)), || channel(2));
    [lightness, red_green, yellow_blue]
}

/// The factors of each step, by which the direction before and the residual enter the new direction.
///
/// The first pair starts the iteration: there is no direction before.
#[must_use]
pub fn chebyshev_factors(weight_squared: f32, steps: usize) -> Vec<[f32; 2]> {
    // The eigenvalues lie between 1 and 1 + 8 w².
    let w2 = f64::from(weight_squared);
    let (theta, delta) = (1.0 + 4.0 * w2, 4.0 * w2);
    let sigma = theta / delta;
    let mut rho = 1.0 / sigma;
    let mut factors = vec![[0.0, (1.0 / theta) as f32]];
    for _ in 1..steps {
        let next = 1.0 / (2.0 * sigma - rho);
        factors.push([(next * rho) as f32, (2.0 * next / delta) as f32]);
        rho = next;
    }
    factors
}

/// Solves `(1 + w² Λ) y = start + w² divergence`, starting from `start`; Λ is the Laplacian of four neighbours.
///
/// Twin: `shaders/blend/chebyshev.wgsl`.
fn chebyshev(
    size: Size,
    start: Vec<f32>,
    divergence: Vec<f32>,
    weight_squared: f32,
    steps: usize,
) -> Vec<f32> {
    let width = size.width as usize;
    let mut solution = start;
    // What is left of the right-hand side: w² (divergence − Λ start), as the values themselves are met by the start.
    let mut residual = vec![0.0; solution.len()];
    let rows = residual.par_chunks_mut(width.max(1)).enumerate();
    rows.for_each(|(y, residual)| {
        for (x, residual) in residual.iter_mut().enumerate() {
            let i = y * width + x;
            *residual = weight_squared * (divergence[i] - laplacian(size, &solution, x, y));
        }
    });
    let mut direction = vec![0.0; solution.len()];
    let mut next = direction.clone();
    for (step, [keep, turn]) in chebyshev_factors(weight_squared, steps)
        .into_iter()
        .enumerate()
    {
        let rows = solution
            .par_chunks_mut(width.max(1))
            .zip(residual.par_chunks_mut(width.max(1)))
            .zip(next.par_chunks_mut(width.max(1)));
        rows.enumerate()
            .for_each(|(y, ((solution, residual), next))| {
                let own = &direction[y * width..][..width];
                for x in 0..width {
                    if step > 0 {
                        residual[x] -= own[x] + weight_squared * laplacian(size, &direction, x, y);
                    }
                    next[x] = keep * own[x] + turn * residual[x];
                    solution[x] += next[x];
                }
            });
        std::mem::swap(&mut direction, &mut next);
    }
    solution
}

/// By how much a pixel exceeds its neighbours together; those outside do not count.
fn laplacian(size: Size, values: &[f32], x: usize, y: usize) -> f32 {
    let (width, height) = (size.width as usize, size.height as usize);
    let own = values[y * width + x];
    let mut sum = 0.0;
    if y > 0 {
        sum += own - values[(y - 1) * width + x];
    }
    if y + 1 < height {
        sum += own - values[(y + 1) * width + x];
    }
    if x > 0 {
        sum += own - values[y * width + x - 1];
    }
    if x + 1 < width {
        sum += own - values[y * width + x + 1];
    }
    sum
}

/// The planes as bytes.
///
/// # Panics
/// If a plane does not hold one value a pixel.
#[must_use]
pub fn quantised<T: Copy + Into<f64> + Sync>(
    size: Size,
    planes: &[Vec<T>; 3],
    rounding: Rounding,
) -> Lab {
    let byte = |value: T| {
        let value: f64 = value.into();
        let value = match rounding {
            Rounding::Nearest => value.round_ties_even(),
            Rounding::Down => value.floor(),
        };
        value.clamp(0.0, 255.0) as u8
    };
    let pixel = |i: usize| [0, 1, 2].map(|c| byte(planes[c][i]));
    Lab::new(size, (0..size.area()).into_par_iter().map(pixel).collect())
}

#[cfg(test)]
mod tests {
    use super::super::test_pictures::{SIZE, textured};
    use super::*;

    #[test]
    fn gradients_of_the_picture_itself_change_nothing() {
        let picture = textured(3);
        let all_forward = Mask::none(SIZE);
        let divergence = GradientField::of(&all_forward, &picture, &textured(8)).divergence();
        let solution = solve(&picture, &divergence);
        assert_eq!(quantised(SIZE, &solution, Rounding::Nearest), picture);
    }

    #[test]
    fn a_shift_of_all_values_shifts_the_solution() {
        let picture = textured(3);
        let brighter = |p: &[u8; 3]| [p[0] + 30, p[1] + 30, p[2] + 30];
        let brighter = Lab::new(SIZE, picture.pixels().iter().map(brighter).collect());
        let gradients = GradientField::of(&Mask::none(SIZE), &textured(8), &picture).divergence();
        let (low, high) = (solve(&picture, &gradients), solve(&brighter, &gradients));
        for (low, high) in low.iter().flatten().zip(high.iter().flatten()) {
            assert!((high - low - 30.0).abs() < 1e-3, "{low} {high}");
        }
    }

    #[test]
    fn a_picture_of_one_pixel_has_no_gradient() {
        let size = Size {
            width: 1,
            height: 1,
        };
        let picture = Lab::new(size, vec![[50, 60, 70]]);
        let none = GradientField::of(&Mask::none(size), &picture, &picture).divergence();
        assert_eq!(none, [[0; 3]]);
        assert_eq!(
            quantised(size, &solve(&picture, &none), Rounding::Nearest),
            picture
        );
    }
}
