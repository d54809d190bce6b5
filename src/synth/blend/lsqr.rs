//! Gradient fusion as the reference solves it: least squares by LSQR, stopped early.
//!
//! The reference rounds the solution down. Where it is a whole number up to the solver's error, and in the first frame it
//! is one everywhere, that error decides which byte it becomes; so whoever wants the reference's bytes needs its solver,
//! with its order of steps and its stopping rule. [`poisson::solve`](super::poisson::solve) comes closer to the solution
//! in a tenth of the time.
//!
//! # Source
//! C. C. Paige, M. A. Saunders, "LSQR: An Algorithm for Sparse Linear Equations and Sparse Least Squares", ACM
//! Transactions on Mathematical Software, 1982, with the tolerances of `scipy.sparse.linalg.lsqr`.

use super::lab::Lab;
use super::poisson::{GradientField, WEIGHTS};
use crate::frame::Size;

/// Relative error at which the iteration stops, of the equations and of the least squares.
const TOLERANCE: f64 = 1e-6;

/// Lightness and both colour axes of the picture that has these gradients, and is near to `contrast`.
///
/// # Panics
/// If there are not as many gradients as pixels.
#[must_use]
pub fn solve(contrast: &Lab, gradients: &GradientField) -> [Vec<f64>; 3] {
    let size = contrast.size();
    assert_eq!(size, gradients.size(), "picture and gradients");
    let channel = |c: usize| {
        let weight = f64::from(WEIGHTS[c]);
        let values: Vec<f64> = contrast.pixels().iter().map(|p| f64::from(p[c])).collect();
        // Without its mean the picture is small, which the stopping rule sees.
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let weighted = |plane: &[[i16; 3]]| -> Vec<f64> {
            plane.iter().map(|g| weight * f64::from(g[c])).collect()
        };
        let right = Equations {
            down: weighted(gradients.down()),
            across: weighted(gradients.across()),
            own: values.iter().map(|v| v - mean).collect(),
        };
        let mut solution = lsqr(&System { size, weight }, right);
        for value in &mut solution {
            *value += mean;
        }
        solution
    };
    let ((lightness, red_green), yellow_blue) =
        rayon::join(|| rayon::join(|| channel(0), || channel(1)), || channel(2));
    [lightness, red_green, yellow_blue]
}

/// One number for each equation: the gradients down and across, and the values.
struct Equations {
    down: Vec<f64>,
    across: Vec<f64>,
    own: Vec<f64>,
}

impl Equations {
    /// Brings the length to 1 and returns what it was; zero stays.
    fn normalise(&mut self) -> f64 {
        let parts = [&mut self.down, &mut self.across, &mut self.own];
        let length = parts.iter().map(|part| square(part)).sum::<f64>().sqrt();
        if length > 0.0 {
            for part in parts {
                scale(part, 1.0 / length);
            }
        }
        length
    }
}

/// The matrix: weighted differences of neighbours down and across, and the identity.
struct System {
    size: Size,
    weight: f64,
}

impl System {
    /// `left ← A x − α left`.
    fn apply(&self, x: &[f64], left: &mut Equations, alpha: f64) {
        let Size { width, height } = self.size;
        let (width, height) = (width as usize, height as usize);
        for i in 0..x.len() {
            if i / width + 1 < height {
                left.down[i] = self.weight * (x[i] - x[i + width]) - alpha * left.down[i];
            }
            if i % width + 1 < width {
                left.across[i] = self.weight * (x[i] - x[i + 1]) - alpha * left.across[i];
            }
            left.own[i] = x[i] - alpha * left.own[i];
        }
    }

    /// `x ← Aᵀ left − β x`.
    fn apply_transposed(&self, left: &Equations, x: &mut [f64], beta: f64) {
        let width = self.size.width as usize;
        for (i, x) in x.iter_mut().enumerate() {
            // What would leave the picture is no equation and stays zero.
            let mut sum = left.down[i] + left.across[i];
            if i >= width {
                sum -= left.down[i - width];
            }
            if i % width > 0 {
                sum -= left.across[i - 1];
            }
            *x = self.weight * sum + left.own[i] - beta * *x;
        }
    }
}

/// Minimises `|A x − right|` from `x = 0`.
fn lsqr(system: &System, right: Equations) -> Vec<f64> {
    let mut solution = vec![0.0; right.own.len()];
    let mut left = right;
    let right_norm = left.normalise();
    let mut x = solution.clone();
    system.apply_transposed(&left, &mut x, 0.0);
    let mut alpha = normalise(&mut x);
    if alpha <= 0.0 {
        return solution;
    }
    let mut direction = x.clone();
    let (mut rho_bar, mut residual) = (alpha, right_norm);
    let mut matrix_square = 0.0;
    for _ in 0..2 * solution.len() {
        system.apply(&x, &mut left, alpha);
        let beta = left.normalise();
        matrix_square += alpha * alpha + beta * beta;
        system.apply_transposed(&left, &mut x, beta);
        alpha = normalise(&mut x);
        // A rotation takes β out of the bidiagonal matrix.
        let rho = rho_bar.hypot(beta);
        let (cos, sin) = (rho_bar / rho, beta / rho);
        let step = cos * residual / rho;
        let turn = sin * alpha / rho;
        let pixels = solution.iter_mut().zip(&mut direction).zip(&x);
        pixels.for_each(|((solution, direction), x)| {
            *solution += step * *direction;
            *direction = x - turn * *direction;
        });
        let normal = alpha * (sin * cos * residual).abs();
        rho_bar = -cos * alpha;
        residual *= sin;
        let matrix_norm = f64::sqrt(matrix_square);
        let grown = matrix_norm * square(&solution).sqrt() / right_norm;
        let fits = residual / right_norm <= TOLERANCE * (1.0 + grown);
        let is_least = normal <= TOLERANCE * matrix_norm * residual;
        if fits || is_least {
            break;
        }
    }
    solution
}

fn square(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum()
}

fn scale(values: &mut [f64], by: f64) {
    for value in values {
        *value *= by;
    }
}

/// Brings the length to 1 and returns what it was; zero stays.
fn normalise(values: &mut [f64]) -> f64 {
    let length = square(values).sqrt();
    if length > 0.0 {
        scale(values, 1.0 / length);
    }
    length
}

#[cfg(test)]
mod tests {
    use super::super::poisson;
    use super::super::test_pictures::{SIZE, textured};
    use super::*;
    use crate::synth::Mask;

    #[test]
    fn both_solvers_find_the_same_picture() {
        let (picture, other) = (textured(3), textured(8));
        let seam = (0..SIZE.area()).map(|i| i % 23 > 11).collect();
        let gradients = GradientField::of(&Mask::new(SIZE, seam), &other, &picture);
        let own = poisson::solve(&picture, &gradients.divergence());
        let found = solve(&picture, &gradients);
        for (own, found) in own.iter().flatten().zip(found.iter().flatten()) {
            // As far as the own solver may be from the exact picture.
            assert!((f64::from(*own) - found).abs() < 0.1, "{own} {found}");
        }
    }

    #[test]
    fn flat_pictures_and_single_pixels_stay() {
        for size in [
            SIZE,
            Size {
                width: 1,
                height: 1,
            },
        ] {
            let flat = Lab::new(size, vec![[50, 60, 70]; size.area()]);
            let gradients = GradientField::of(&Mask::none(size), &flat, &flat);
            let found = solve(&flat, &gradients);
            for (c, level) in [50.0, 60.0, 70.0].into_iter().enumerate() {
                assert!(found[c].iter().all(|v| (v - level).abs() < 1e-9));
            }
        }
    }
}
