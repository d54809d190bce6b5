//! The search of PatchMatch: good matches are offered to neighbours, and better ones sought at random around them.
//!
//! A pass over the pixels reads the field and the occupancy as they were before it and returns what it would change, so
//! neither the order of pixels nor the number of threads matters.
//!
//! # Source
//! Barnes et al., "PatchMatch", 2009, in the parallel form with jumps of Jump Flooding.

#![allow(
    clippy::inline_always,
    reason = "vector instructions exist only in what is inlined into pulp's dispatch"
)]

use std::ops::{Range, RangeInclusive};

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::nnf::{join, split};
use super::occupancy::MOST;
use super::patch::{Canvas, Patch};
use super::pyramid::Layer;
use super::random::{pcg3d, within};
use crate::frame::Size;

/// Pixels that one task searches.
const PIXELS_A_TASK: usize = 1024;

/// What a pass reads.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// The frame being painted.
    pub canvas: &'a Canvas,
    /// The keyframe.
    pub source: &'a Layer,
    /// The match of every pixel.
    pub matches: &'a [u32],
    /// The energy of every pixel's match.
    pub errors: &'a [u32],
    /// [`tent`](super::occupancy::tent) of the matches.
    pub occupancy: &'a [u32],
    /// Cost of one unit of it.
    pub uniformity: u32,
    /// The pixels to search.
    pub pixels: &'a [u32],
}

/// A better match that a pass found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// Which pixel.
    pub pixel: u32,
    /// Its new match.
    pub to: u32,
    /// The energy of that.
    pub error: u32,
}

/// The energy of each of `pixels` under its match.
///
/// Twin: `shaders/synth/error.wgsl`.
#[must_use]
pub fn error(canvas: &Canvas, source: &Layer, matches: &[u32], pixels: &[u32]) -> Vec<u32> {
    let arch = Arch::new();
    let mut errors = vec![0; pixels.len()];
    let chunks = errors
        .par_chunks_mut(PIXELS_A_TASK)
        .zip(pixels.par_chunks(PIXELS_A_TASK));
    chunks.for_each(|(errors, pixels)| {
        arch.dispatch(Measure {
            canvas,
            source,
            matches,
            pixels,
            errors,
        });
    });
    errors
}

struct Measure<'a> {
    canvas: &'a Canvas,
    source: &'a Layer,
    matches: &'a [u32],
    pixels: &'a [u32],
    errors: &'a mut [u32],
}

impl WithSimd for Measure<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let width = self.canvas.size().width;
        for (error, pixel) in self.errors.iter_mut().zip(self.pixels) {
            let patch = Patch::at(self.canvas, pixel % width, pixel / width);
            let [x, y] = split(self.matches[*pixel as usize]);
            *error = patch.error(self.source, x, y, u32::MAX);
        }
    }
}

/// Offers each pixel the matches of its four neighbours `distance` away, moved along.
///
/// Twin: `shaders/synth/jump.wgsl`.
#[must_use]
pub fn jump(search: &Search<'_>, distance: u32) -> Vec<Move> {
    // A coordinate below zero wraps around to a huge one.
    let back = 0_u32.wrapping_sub(distance);
    search.run(&Jump {
        size: search.canvas.size(),
        centres: search.source.centres(),
        neighbours: [(back, 0), (distance, 0), (0, back), (0, distance)],
    })
}

struct Jump {
    size: Size,
    centres: [RangeInclusive<u32>; 2],
    neighbours: [(u32, u32); 4],
}

impl Offers for Jump {
    #[inline(always)]
    fn offer(&self, search: &Search<'_>, candidate: &mut Candidate) {
        let Size { width, height } = self.size;
        let [across, down] = &self.centres;
        let (x, y) = candidate.place;
        for (dx, dy) in self.neighbours {
            let (nx, ny) = (x.wrapping_add(dx), y.wrapping_add(dy));
            if nx < width && ny < height {
                let [u, v] = split(search.matches[ny as usize * width as usize + nx as usize]);
                let (u, v) = (u.wrapping_sub(dx), v.wrapping_sub(dy));
                if across.contains(&u) && down.contains(&v) {
                    candidate.offer(search, u, v);
                }
            }
        }
    }
}

/// When and how far a random search looks.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    /// [`moment`](super::nnf::moment) of the iteration.
    pub moment: u32,
    /// Seed of the synthesis.
    pub seed: u32,
    /// Which two radii: 1 and 2 pixels for 0, 4 and 8 for 1, and so on.
    pub pair: u32,
    /// How many radii there are in all.
    pub radii: u32,
}

/// Number of radii that a random search tries: 1, 2, 4, … below half of the longer side.
#[must_use]
pub fn n_radii(source: Size) -> u32 {
    let longer = source.width.max(source.height);
    (0..16).take_while(|i| 2 << i < longer).count() as u32
}

/// Offers each pixel a match drawn from the square around its own, for two radii one after the other.
///
/// Twin: `shaders/synth/random.wgsl`.
#[must_use]
pub fn random(search: &Search<'_>, draw: Draw) -> Vec<Move> {
    search.run(&Random {
        draw,
        radii: 2 * draw.pair..(2 * draw.pair + 2).min(draw.radii),
        centres: search.source.centres(),
    })
}

struct Random {
    draw: Draw,
    radii: Range<u32>,
    centres: [RangeInclusive<u32>; 2],
}

impl Offers for Random {
    #[inline(always)]
    fn offer(&self, search: &Search<'_>, candidate: &mut Candidate) {
        let [across, down] = &self.centres;
        for i in self.radii.clone() {
            let [x, y, _] = pcg3d([candidate.pixel, self.draw.moment, i ^ self.draw.seed]);
            let [u, v] = split(candidate.to);
            let u = within(x, &around(u, 1 << i, across));
            let v = within(y, &around(v, 1 << i, down));
            candidate.offer(search, u, v);
        }
    }
}

#[inline(always)]
fn around(centre: u32, radius: u32, range: &RangeInclusive<u32>) -> RangeInclusive<u32> {
    let first = centre.saturating_sub(radius).max(*range.start());
    let last = centre.wrapping_add(radius).min(*range.end());
    first..=last
}

/// Which matches a pass offers to a pixel.
trait Offers: Sync {
    fn offer(&self, search: &Search<'_>, candidate: &mut Candidate);
}

/// A pixel during a pass, with the best match so far.
struct Candidate {
    pixel: u32,
    place: (u32, u32),
    patch: Patch,
    to: u32,
    error: u32,
    /// Energy and occupancy of that match.
    cost: u32,
}

impl Candidate {
    /// Takes the match at `(x, y)` if it costs less.
    #[inline(always)]
    fn offer(&mut self, search: &Search<'_>, x: u32, y: u32) {
        let to = join(x, y);
        let price = search.price(x, y);
        if to == self.to || price >= self.cost {
            return;
        }
        let limit = self.cost - price;
        let error = self.patch.error(search.source, x, y, limit);
        if error < limit {
            self.to = to;
            self.error = error;
            self.cost = error.wrapping_add(price);
        }
    }
}

impl Search<'_> {
    /// What the occupancy of a match costs.
    #[inline(always)]
    fn price(&self, x: u32, y: u32) -> u32 {
        let place = y as usize * self.source.size.width as usize + x as usize;
        debug_assert!(self.occupancy[place] <= MOST, "cut sums");
        self.occupancy[place].wrapping_mul(self.uniformity)
    }

    /// Offers matches to each pixel and collects what has changed.
    fn run(&self, offers: &impl Offers) -> Vec<Move> {
        let arch = Arch::new();
        let search = |pixels| {
            arch.dispatch(Pass {
                search: self,
                offers,
                pixels,
            })
        };
        if self.pixels.len() <= PIXELS_A_TASK {
            return search(self.pixels);
        }
        let moves: Vec<Vec<Move>> = self.pixels.par_chunks(PIXELS_A_TASK).map(search).collect();
        moves.concat()
    }
}

/// One task of a pass.
struct Pass<'a, O> {
    search: &'a Search<'a>,
    offers: &'a O,
    pixels: &'a [u32],
}

impl<O: Offers> WithSimd for Pass<'_, O> {
    type Output = Vec<Move>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<Move> {
        let search = self.search;
        let width = search.canvas.size().width;
        let mut moves = Vec::new();
        for &pixel in self.pixels {
            let from = search.matches[pixel as usize];
            let error = search.errors[pixel as usize];
            let [u, v] = split(from);
            let place = (pixel % width, pixel / width);
            let mut candidate = Candidate {
                pixel,
                place,
                patch: Patch::at(search.canvas, place.0, place.1),
                to: from,
                error,
                cost: error.wrapping_add(search.price(u, v)),
            };
            self.offers.offer(search, &mut candidate);
            if candidate.to != from {
                let Candidate { to, error, .. } = candidate;
                moves.push(Move { pixel, to, error });
            }
        }
        moves
    }
}
