//! Filling as the reference does it: holes are repainted from their border inwards, each pixel from what is known
//! around it.
//!
//! Slow, sequential, and no better than [push-pull](super::fill()) against known truth; it is here so that results can
//! be compared with the reference's.
//!
//! # Source
//! A. Telea, "An Image Inpainting Technique Based on the Fast Marching Method", Journal of Graphics Tools, 2004, with the
//! constants of OpenCV's `inpaint`, which the reference calls with a radius of 30.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::super::Mask;
use crate::frame::{Frame, Size};

/// Pixels of the surroundings that count, in each direction.
const RADIUS: i32 = 30;

/// Distance of what is not reached yet.
const FAR: f32 = 1e6;

/// Repaints the pixels under `occluded` from the others; a picture without others is returned as it is.
///
/// # Panics
/// If the sizes differ.
#[must_use]
pub fn fill_by_marching(picture: &Frame, occluded: &Mask) -> Frame {
    let size = picture.size();
    assert_eq!(size, occluded.size(), "picture and mask");
    if occluded.count() == 0 || occluded.count() == size.area() {
        return picture.clone();
    }
    let outside = Front::outwards(occluded).march(|_, _, _| ());
    let mut front = Front::inwards(occluded);
    for (distance, outside) in front.distance.iter_mut().zip(&outside.distance) {
        if *outside < FAR && *outside > 0.0 {
            *distance = -*outside;
        }
    }
    let mut pixels = picture.pixels().as_chunks::<3>().0.to_vec();
    front.march(|front, x, y| {
        let colour = painted(front, &pixels, x, y);
        pixels[front.index(x, y)] = colour;
    });
    Frame::new(size, pixels.into_flattened())
}

/// A front that wanders into a region, the nearest pixel first.
struct Front {
    size: Size,
    /// Not reached yet.
    inside: Vec<bool>,
    /// How far each pixel is from the border of the region.
    distance: Vec<f32>,
    /// The border: distance as ordered bits, order of arrival, pixel.
    heap: BinaryHeap<Reverse<(u32, usize, i32, i32)>>,
    /// Pixels that arrived so far: of those at equal distance, the first goes on first.
    arrived: usize,
}

impl Front {
    /// Into the holes.
    fn inwards(holes: &Mask) -> Self {
        Self::new(holes.size(), holes.values().to_vec(), holes)
    }

    /// Away from the holes, as far as pixels count.
    fn outwards(holes: &Mask) -> Self {
        let size = holes.size();
        let inside = holes.values().iter().map(|hole| !hole).collect();
        let mut front = Self::new(size, inside, holes);
        for y in 0..size.height as i32 {
            for x in 0..size.width as i32 {
                let index = front.index(x, y);
                if front.distance[index] == 0.0 {
                    front.inside[index] = false;
                }
            }
        }
        front
    }

    /// The border is what touches a hole and is none.
    fn new(size: Size, inside: Vec<bool>, holes: &Mask) -> Self {
        let mut front = Self {
            size,
            distance: vec![FAR; inside.len()],
            inside,
            heap: BinaryHeap::new(),
            arrived: 0,
        };
        for y in 0..size.height as i32 {
            for x in 0..size.width as i32 {
                let is_hole = |(x, y)| front.is_within(x, y) && holes.values()[front.index(x, y)];
                if !is_hole((x, y)) && neighbours(x, y).into_iter().any(is_hole) {
                    front.arrive(x, y, 0.0);
                }
            }
        }
        for (distance, inside) in front.distance.iter_mut().zip(&front.inside) {
            if !inside && *distance == FAR {
                *distance = 0.0;
            }
        }
        front
    }

    fn arrive(&mut self, x: i32, y: i32, distance: f32) {
        let index = self.index(x, y);
        self.distance[index] = distance;
        // Distances are not negative, so their bits have their order.
        self.heap
            .push(Reverse((distance.to_bits(), self.arrived, x, y)));
        self.arrived += 1;
    }

    /// Reaches every pixel of the region, and tells `reached` before the pixel counts as known.
    fn march(mut self, mut reached: impl FnMut(&Self, i32, i32)) -> Self {
        while let Some(Reverse((_, _, x, y))) = self.heap.pop() {
            for (x, y) in neighbours(x, y) {
                if !self.is_within(x, y) || self.is_known(x, y) {
                    continue;
                }
                let distance = self.solved(x, y);
                let index = self.index(x, y);
                self.distance[index] = distance;
                reached(&self, x, y);
                self.inside[index] = false;
                self.arrive(x, y, distance);
            }
        }
        self
    }

    /// The distance at which a front of speed 1 arrives, from one neighbour along each axis.
    fn solved(&self, x: i32, y: i32) -> f32 {
        let at = |x: i32, y: i32| {
            let known = self.is_known(x, y);
            known.then(|| self.distance[self.index(x, y)])
        };
        let solve = |a: Option<f32>, b: Option<f32>| match (a, b) {
            (Some(a), Some(b)) if (a - b).abs() < 1.0 => {
                0.5 * (a + b + (2.0 - (a - b) * (a - b)).sqrt())
            }
            (Some(a), Some(b)) => 1.0 + a.min(b),
            (Some(a), None) | (None, Some(a)) => 1.0 + a,
            (None, None) => 1.0 + FAR,
        };
        let rows = [at(x, y - 1), at(x, y + 1)];
        let columns = [at(x - 1, y), at(x + 1, y)];
        let pairs = rows
            .into_iter()
            .flat_map(|row| columns.map(|column| solve(row, column)));
        pairs.fold(f32::INFINITY, f32::min)
    }

    fn is_within(&self, x: i32, y: i32) -> bool {
        (0..self.size.width as i32).contains(&x) && (0..self.size.height as i32).contains(&y)
    }

    fn is_known(&self, x: i32, y: i32) -> bool {
        self.is_within(x, y) && !self.inside[self.index(x, y)]
    }

    fn index(&self, x: i32, y: i32) -> usize {
        y as usize * self.size.width as usize + x as usize
    }

    /// How the distance grows at a pixel, from what is known around it; outside of the picture it is far.
    fn gradient(&self, x: i32, y: i32) -> [f32; 2] {
        let at = |x: i32, y: i32| {
            if self.is_within(x, y) {
                let index = self.index(x, y);
                (!self.inside[index]).then(|| self.distance[index])
            } else {
                Some(FAR)
            }
        };
        let own = self.distance[self.index(x, y)];
        [(1, 0), (0, 1)].map(|(dx, dy)| match (at(x - dx, y - dy), at(x + dx, y + dy)) {
            (Some(before), Some(after)) => 0.5 * (after - before),
            (None, Some(after)) => after - own,
            (Some(before), None) => own - before,
            (None, None) => 0.0,
        })
    }
}

fn neighbours(x: i32, y: i32) -> [(i32, i32); 4] {
    [(x, y - 1), (x - 1, y), (x, y + 1), (x + 1, y)]
}

/// The weighted mean of what is known around a pixel, and a step along its weighted gradient.
fn painted(front: &Front, pixels: &[[u8; 3]], x: i32, y: i32) -> [u8; 3] {
    let normal = front.gradient(x, y);
    let level = front.distance[front.index(x, y)];
    let (mut weights, mut sums, mut slopes) = (1e-20, [0.0; 3], [[0.0; 2]; 3]);
    for ky in y - RADIUS..=y + RADIUS {
        for kx in x - RADIUS..=x + RADIUS {
            let towards = [(x - kx) as f32, (y - ky) as f32];
            let square = towards[0] * towards[0] + towards[1] * towards[1];
            if square > (RADIUS * RADIUS) as f32 || !front.is_known(kx, ky) {
                continue;
            }
            let along = towards[0] * normal[0] + towards[1] * normal[1];
            let along = if along.abs() <= 0.01 { 1e-6 } else { along };
            let same_level = 1.0 / (1.0 + (front.distance[front.index(kx, ky)] - level).abs());
            let weight = (along * same_level / (square * square.sqrt())).abs();
            let colour = pixels[front.index(kx, ky)];
            let gradients = colour_gradients(front, pixels, kx, ky);
            for c in 0..3 {
                sums[c] += weight * f32::from(colour[c]);
                for axis in 0..2 {
                    slopes[c][axis] -= weight * gradients[c][axis] * towards[axis];
                }
            }
            weights += weight;
        }
    }
    [0, 1, 2].map(|c| {
        let [across, down] = slopes[c];
        let step = (across + down) / ((across * across + down * down).sqrt() + 1e-20);
        // Rounded after half a level was added, as OpenCV does.
        (sums[c] / weights + step + 0.5).round_ties_even() as u8
    })
}

/// Differences of colours between known neighbours, those of both sides doubled.
fn colour_gradients(front: &Front, pixels: &[[u8; 3]], x: i32, y: i32) -> [[f32; 2]; 3] {
    let own = pixels[front.index(x, y)];
    let axes = [(1, 0), (0, 1)].map(|(dx, dy)| {
        let at = |x: i32, y: i32| {
            if front.is_within(x, y) {
                front.is_known(x, y).then(|| pixels[front.index(x, y)])
            } else {
                // The border is repeated.
                Some(own)
            }
        };
        let (before, after) = (at(x - dx, y - dy), at(x + dx, y + dy));
        let factor = if before.is_some() && after.is_some() {
            2.0
        } else {
            1.0
        };
        let (before, after) = (before.unwrap_or(own), after.unwrap_or(own));
        [0, 1, 2].map(|c| factor * (f32::from(after[c]) - f32::from(before[c])))
    });
    [0, 1, 2].map(|c| [axes[0][c], axes[1][c]])
}
