//! A picture in a few hundred patches of similar colour.
//!
//! # Source
//! R. Achanta et al., "SLIC Superpixels Compared to State-of-the-Art Superpixel Methods", PAMI 2012.

use std::collections::BTreeSet;

use crate::frame::{Frame, Size, lab};

/// About as many patches as this.
const PATCHES: usize = 250;
/// How much a place counts against a colour: a distance of one patch weighs as much as this one in CIELAB.
const COMPACTNESS: f32 = 15.0;
/// Pixels between centres, at the least.
const CLOSEST: f32 = 4.0;
/// Rounds of assigning pixels and moving centres.
const ROUNDS: usize = 10;

/// The patches of a picture.
pub(super) struct Superpixels {
    /// The patch of each pixel.
    pub labels: Vec<usize>,
    pub patches: Vec<Patch>,
    /// The patches that touch each patch, in order.
    pub neighbours: Vec<Vec<usize>>,
}

/// A connected patch of similar pixels.
#[derive(Clone, Debug, Default)]
pub(super) struct Patch {
    /// Mean in CIELAB.
    pub colour: [f32; 3],
    /// Mean place, as parts of the picture's longer side.
    pub place: [f32; 2],
    pub touches_border: bool,
}

impl Superpixels {
    pub fn of(frame: &Frame) -> Self {
        let size = frame.size();
        let colours: Vec<[f32; 3]> = lab(frame).map(|lab| lab.map(|v| v as f32)).collect();
        let spacing = (size.area() as f32 / PATCHES as f32).sqrt();
        let spacing = spacing.max(CLOSEST);
        let labels = clustered(&colours, size, spacing);
        // Bounds the number of patches, even of noise, at twice what is wanted.
        let smallest = (spacing * spacing / 2.0) as usize;
        let labels = connected(&labels, size, smallest);
        let (patches, neighbours) = described(&labels, &colours, size);
        Self {
            labels,
            patches,
            neighbours,
        }
    }
}

#[derive(Clone, Copy)]
struct Centre {
    colour: [f32; 3],
    x: f32,
    y: f32,
}

/// Assigns each pixel to the centre that is nearest in colour and place together.
fn clustered(colours: &[[f32; 3]], size: Size, spacing: f32) -> Vec<usize> {
    let (width, height) = (size.width as usize, size.height as usize);
    let along = |length: usize| {
        let n = ((length as f32 / spacing).round() as usize).max(1);
        (0..n).map(move |i| ((2 * i + 1) * length / (2 * n)).min(length - 1))
    };
    let mut centres: Vec<Centre> = along(height)
        .flat_map(|y| along(width).map(move |x| (x, y)))
        .map(|(x, y)| Centre {
            colour: colours[y * width + x],
            x: x as f32,
            y: y as f32,
        })
        .collect();
    let by_place = (COMPACTNESS / spacing).powi(2);
    let mut labels = vec![0; colours.len()];
    let mut distances = vec![f32::INFINITY; colours.len()];
    for _ in 0..ROUNDS {
        distances.fill(f32::INFINITY);
        for (label, centre) in centres.iter().enumerate() {
            let reach = |at: f32, length: usize| {
                let first = (at - spacing).max(0.0) as usize;
                first..((at + spacing) as usize + 1).min(length)
            };
            for y in reach(centre.y, height) {
                for x in reach(centre.x, width) {
                    let i = y * width + x;
                    let apart = square(x as f32 - centre.x) + square(y as f32 - centre.y);
                    let distance = squared_distance(colours[i], centre.colour) + by_place * apart;
                    if distance < distances[i] {
                        (distances[i], labels[i]) = (distance, label);
                    }
                }
            }
        }
        move_to_means(&mut centres, &labels, colours, width);
    }
    labels
}

fn move_to_means(centres: &mut [Centre], labels: &[usize], colours: &[[f32; 3]], width: usize) {
    let mut sums = vec![([0.0_f32; 5], 0_usize); centres.len()];
    for (i, (&label, [l, a, b])) in labels.iter().zip(colours).enumerate() {
        let (sum, count) = &mut sums[label];
        let values = [*l, *a, *b, (i % width) as f32, (i / width) as f32];
        for (sum, value) in sum.iter_mut().zip(values) {
            *sum += value;
        }
        *count += 1;
    }
    for (centre, (sum, count)) in centres.iter_mut().zip(sums) {
        if count > 0 {
            let [l, a, b, x, y] = sum.map(|value| value / count as f32);
            *centre = Centre {
                colour: [l, a, b],
                x,
                y,
            };
        }
    }
}

/// Gives every connected piece a label of its own; pieces below `smallest` pixels join the piece before them.
fn connected(labels: &[usize], size: Size, smallest: usize) -> Vec<usize> {
    let mut pieces = vec![usize::MAX; labels.len()];
    let mut n_pieces = 0;
    let mut piece = Vec::new();
    for first in 0..labels.len() {
        if pieces[first] != usize::MAX {
            continue;
        }
        piece.clear();
        piece.push(first);
        pieces[first] = n_pieces;
        let mut before = None;
        let mut next = 0;
        while next < piece.len() {
            for other in touching(piece[next], size) {
                if pieces[other] == usize::MAX && labels[other] == labels[first] {
                    pieces[other] = n_pieces;
                    piece.push(other);
                } else if pieces[other] < n_pieces {
                    before = before.or(Some(pieces[other]));
                }
            }
            next += 1;
        }
        match before.filter(|_| piece.len() < smallest) {
            Some(before) => piece.iter().for_each(|&i| pieces[i] = before),
            None => n_pieces += 1,
        }
    }
    pieces
}

fn touching(i: usize, size: Size) -> impl Iterator<Item = usize> {
    let width = size.width as usize;
    let left = (!i.is_multiple_of(width)).then(|| i - 1);
    let right = (!(i + 1).is_multiple_of(width)).then_some(i + 1);
    let above = i.checked_sub(width);
    let below = Some(i + width).filter(|&below| below < size.area());
    [left, right, above, below].into_iter().flatten()
}

fn described(labels: &[usize], colours: &[[f32; 3]], size: Size) -> (Vec<Patch>, Vec<Vec<usize>>) {
    let n_patches = labels.iter().max().map_or(0, |last| last + 1);
    let width = size.width as usize;
    let mut centres = vec![
        Centre {
            colour: [0.0; 3],
            x: 0.0,
            y: 0.0
        };
        n_patches
    ];
    move_to_means(&mut centres, labels, colours, width);
    let longer = size.width.max(size.height) as f32;
    let mut patches: Vec<Patch> = centres
        .iter()
        .map(|centre| Patch {
            colour: centre.colour,
            place: [centre.x / longer, centre.y / longer],
            touches_border: false,
        })
        .collect();
    let mut neighbours = vec![BTreeSet::new(); n_patches];
    for (i, &label) in labels.iter().enumerate() {
        let mut n_touching = 0;
        for other in touching(i, size) {
            n_touching += 1;
            if labels[other] != label {
                neighbours[label].insert(labels[other]);
            }
        }
        patches[label].touches_border |= n_touching < 4;
    }
    let neighbours = neighbours.into_iter().map(Vec::from_iter).collect();
    (patches, neighbours)
}

fn square(value: f32) -> f32 {
    value * value
}

/// Between two colours in CIELAB.
pub(super) fn squared_distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    square(a[0] - b[0]) + square(a[1] - b[1]) + square(a[2] - b[2])
}
