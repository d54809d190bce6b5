//! One level of the pyramid: rounds of search and vote.

use super::nnf::{Nnf, moment, split};
use super::occupancy::{count, tent_into};
use super::patch::Canvas;
use super::patchmatch::{Draw, Move, Search, error, jump, n_radii, random};
use super::preset::Schedule;
use super::pyramid::Layer;
use super::vote::{dilate, unsettled, vote};
use super::{Checkpoint, SynthError};
use crate::frame::Frame;

/// Distances at which neighbours are asked, in order.
const JUMPS: [u32; 3] = [4, 2, 1];

/// A frame being painted at one level.
#[derive(Clone, Debug)]
pub struct Level<'a> {
    source: &'a Layer,
    canvas: Canvas,
    matches: Vec<u32>,
    errors: Vec<u32>,
    counts: Vec<u32>,
    occupancy: Vec<u32>,
    /// Pixels that are still searched, in order.
    pixels: Vec<u32>,
    /// 1 for a pixel whose match has changed since the last vote.
    changed: Vec<u8>,
    random: Randomness,
}

/// What draws depend on besides place and time.
#[derive(Clone, Copy, Debug)]
pub struct Randomness {
    /// Number of the level, the coarsest being 0.
    pub level: u32,
    /// Seed of the synthesis.
    pub seed: u32,
}

impl<'a> Level<'a> {
    /// Starts from a field; the frame's style is still that of `target`.
    ///
    /// # Panics
    /// If the field is not of the target's size.
    #[must_use]
    pub fn new(source: &'a Layer, target: &Layer, nnf: Nnf, random: Randomness) -> Self {
        assert_eq!(nnf.size(), target.size, "a match a pixel");
        let n = target.size.area();
        let matches = nnf.into_matches();
        let counts = count(&matches, source.size);
        let mut level = Self {
            source,
            canvas: Canvas::new(target),
            matches,
            errors: vec![0; n],
            occupancy: vec![0; counts.len()],
            counts,
            pixels: (0..n as u32).collect(),
            changed: vec![1; n],
            random,
        };
        level.filter();
        level
    }

    /// All rounds of a level.
    ///
    /// Gives the errors against the picture before the last vote.
    ///
    /// # Errors
    /// [`SynthError::Cancelled`].
    pub fn run(
        &mut self,
        schedule: &Schedule,
        checkpoint: Checkpoint<'_>,
    ) -> Result<Vec<u32>, SynthError> {
        self.vote(None);
        for round in 0..schedule.rounds {
            if checkpoint().is_break() {
                return Err(SynthError::Cancelled);
            }
            self.measure();
            for i in 0..schedule.iterations {
                self.iterate(round * schedule.iterations + i, schedule.uniformity);
            }
            if round + 1 == schedule.rounds {
                break;
            }
            self.vote(schedule.settle_below);
        }
        let errors = self.all_errors();
        self.vote(None);
        Ok(errors)
    }

    /// Measures the energy of the pixels that are searched.
    pub fn measure(&mut self) {
        let errors = error(&self.canvas, self.source, &self.matches, &self.pixels);
        for (pixel, error) in self.pixels.iter().zip(errors) {
            self.errors[*pixel as usize] = error;
        }
    }

    /// The energy of every pixel.
    #[must_use]
    pub fn all_errors(&self) -> Vec<u32> {
        let pixels: Vec<u32> = (0..self.matches.len() as u32).collect();
        error(&self.canvas, self.source, &self.matches, &pixels)
    }

    /// One PatchMatch iteration; [`measure`](Self::measure) must have been called since the last vote.
    pub fn iterate(&mut self, iteration: u32, uniformity: u32) {
        for distance in JUMPS {
            let moves = jump(&self.search(uniformity), distance);
            self.apply(&moves);
        }
        let radii = n_radii(self.source.size);
        for pair in 0..radii.div_ceil(2) {
            let draw = Draw {
                moment: moment(self.random.level, iteration),
                seed: self.random.seed,
                pair,
                radii,
            };
            let moves = random(&self.search(uniformity), draw);
            self.apply(&moves);
        }
    }

    /// Repaints the frame from the field; with a threshold, only what has changed by at least that is searched again.
    pub fn vote(&mut self, settle_below: Option<u8>) {
        let size = self.canvas.size();
        // A colour depends on the matches around it only, so the others stay.
        let pixels = marked(&dilate(&self.changed, size));
        let colours = vote(self.source, &self.matches, size, &pixels);
        let mut marks = vec![0; size.area()];
        for (pixel, colour) in pixels.into_iter().zip(colours) {
            let before = self.canvas.style(pixel);
            if before != colour {
                self.canvas.paint(pixel, colour);
            }
            let keep = settle_below.is_some_and(|threshold| unsettled(before, colour, threshold));
            marks[pixel as usize] = u8::from(keep);
        }
        if settle_below.is_some() {
            self.pixels = marked(&dilate(&marks, size));
        }
        self.changed.fill(0);
    }

    /// The frame as painted so far.
    #[must_use]
    pub fn picture(&self) -> Frame {
        let size = self.canvas.size();
        Frame::from_fn(size, |x, y| self.canvas.style(y * size.width + x))
    }

    /// The field so far.
    #[must_use]
    pub fn nnf(&self) -> Nnf {
        Nnf::new(self.canvas.size(), self.matches.clone())
    }

    /// The pixels that are still searched, in order.
    #[must_use]
    pub fn pixels(&self) -> &[u32] {
        &self.pixels
    }

    fn search(&self, uniformity: u32) -> Search<'_> {
        Search {
            canvas: &self.canvas,
            source: self.source,
            matches: &self.matches,
            errors: &self.errors,
            occupancy: &self.occupancy,
            uniformity,
            pixels: &self.pixels,
        }
    }

    fn apply(&mut self, moves: &[Move]) {
        let width = self.source.size.width;
        let place = |word| {
            let [x, y] = split(word);
            (y * width + x) as usize
        };
        for &Move { pixel, to, error } in moves {
            let pixel = pixel as usize;
            let from = std::mem::replace(&mut self.matches[pixel], to);
            self.counts[place(from)] -= 1;
            self.counts[place(to)] += 1;
            self.errors[pixel] = error;
            self.changed[pixel] = 1;
        }
        if !moves.is_empty() {
            self.filter();
        }
    }

    fn filter(&mut self) {
        tent_into(&self.counts, self.source.size, &mut self.occupancy);
    }
}

/// Indices of what is not zero.
fn marked(marks: &[u8]) -> Vec<u32> {
    (0..)
        .zip(marks)
        .filter_map(|(i, mark)| (*mark != 0).then_some(i))
        .collect()
}
