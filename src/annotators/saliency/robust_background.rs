//! Saliency without a network: what differs from the picture's border.
//!
//! A patch is background if much of what looks like it, and is connected to it, lies on the border; it is salient if its
//! colour differs from that of background patches near it. A quadratic energy joins both, so that patches of similar
//! colour agree.
//!
//! # Source
//! W. Zhu, S. Liang, Y. Wei, J. Sun, "Saliency Optimization from Robust Background Detection", CVPR 2014; names and
//! constants as there.

use super::superpixels::{Patch, Superpixels, squared_distance};

/// Distance in CIELAB within which colours count as alike.
const SIGMA_COLOUR: f32 = 10.0;
/// Boundary connectivity above which a patch counts as background.
const SIGMA_BOUNDARY: f32 = 1.0;
/// Distance, in longer sides of the picture, within which a patch is contrasted with others.
const SIGMA_PLACE: f32 = 0.25;
/// Weight of the background term.
const LAMBDA: f32 = 5.0;
/// Smoothness between patches of any colours.
const MU: f32 = 0.1;

/// How salient each patch is, `[0, 1]`; all 0 where nothing differs from the border.
pub(super) fn robust_background(picture: &Superpixels) -> Vec<f32> {
    let patches = &picture.patches;
    let colour_distances = Square::from_fn(patches.len(), |i, j| {
        squared_distance(patches[i].colour, patches[j].colour).sqrt()
    });
    let background: Vec<f32> = boundary_connectivity(picture, &colour_distances)
        .into_iter()
        .map(|connectivity| 1.0 - gaussian(connectivity, SIGMA_BOUNDARY))
        .collect();
    let contrast = contrast(patches, &colour_distances, &background);
    let Some(foreground) = normalised(&contrast) else {
        return vec![0.0; patches.len()];
    };
    let optimised = optimised(picture, &colour_distances, &background, &foreground);
    normalised(&optimised).unwrap_or(optimised)
}

/// Which patches belong to something salient: clearly salient ones, fairly salient ones that join them, and what they
/// enclose. Taking too much costs little: background smoothing then leaves it alone.
pub(super) fn segmented(picture: &Superpixels, saliency: &[f32]) -> Vec<bool> {
    let threshold = otsu(picture.labels.iter().map(|&label| saliency[label]));
    let clearly = |&i: &usize| saliency[i] > threshold;
    let fairly = |i: usize| saliency[i] > FAIRLY * threshold;
    let salient = flooded(picture, (0..saliency.len()).filter(clearly), fairly);
    let touches = |&i: &usize| picture.patches[i].touches_border && !salient[i];
    let outside = flooded(picture, (0..saliency.len()).filter(touches), |i| {
        !salient[i]
    });
    outside.into_iter().map(|is_outside| !is_outside).collect()
}

/// Part of the threshold that is enough next to something salient.
const FAIRLY: f32 = 0.35;

/// The seeds, and all patches that `may` be and are joined to them.
fn flooded(
    picture: &Superpixels,
    seeds: impl Iterator<Item = usize>,
    may: impl Fn(usize) -> bool,
) -> Vec<bool> {
    let mut is_in = vec![false; picture.patches.len()];
    let mut open: Vec<usize> = seeds.collect();
    for &seed in &open {
        is_in[seed] = true;
    }
    while let Some(i) = open.pop() {
        for &other in &picture.neighbours[i] {
            if !is_in[other] && may(other) {
                is_in[other] = true;
                open.push(other);
            }
        }
    }
    is_in
}

/// The threshold that parts values in `[0, 1]` into two groups whose means are farthest apart.
///
/// # Source
/// N. Otsu, "A Threshold Selection Method from Gray-Level Histograms", 1979.
fn otsu(values: impl Iterator<Item = f32>) -> f32 {
    let mut histogram = [0.0_f64; 256];
    for value in values {
        histogram[(value * 255.0).round() as usize] += 1.0;
    }
    let total: f64 = histogram.iter().sum();
    let level_sum: f64 = (0..256).map(|i| i as f64 * histogram[i]).sum();
    let (mut below, mut sum_below) = (0.0, 0.0);
    let (mut largest, mut threshold) = (0.0, 255);
    for (level, count) in histogram.into_iter().enumerate() {
        below += count;
        sum_below += level as f64 * count;
        let above = total - below;
        let between = (level_sum * below - sum_below * total).powi(2) / (below * above);
        if below > 0.0 && above > 0.0 && between > largest {
            (largest, threshold) = (between, level);
        }
    }
    (threshold as f32 + 0.5) / 255.0
}

/// `n` by `n` values.
struct Square {
    n: usize,
    values: Vec<f32>,
}

impl Square {
    fn from_fn(n: usize, value: impl Fn(usize, usize) -> f32) -> Self {
        let values = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
        Self {
            n,
            values: values.map(|(i, j)| value(i, j)).collect(),
        }
    }

    fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.n..][..self.n]
    }
}

fn gaussian(distance: f32, sigma: f32) -> f32 {
    (-distance * distance / (2.0 * sigma * sigma)).exp()
}

/// To `[0, 1]`; nothing if all values are about the same.
fn normalised(values: &[f32]) -> Option<Vec<f32>> {
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let range = high - low;
    (range > 1e-3).then(|| values.iter().map(|value| (value - low) / range).collect())
}

/// Of the area around a patch that looks like it, the length on the border over the square root of the area.
fn boundary_connectivity(picture: &Superpixels, colour_distances: &Square) -> Vec<f32> {
    let links = geodesic_links(picture);
    let slack = smallest_steps(&links, colour_distances);
    let n = picture.patches.len();
    (0..n)
        .map(|patch| {
            let distances = geodesic_distances(patch, &links, colour_distances, slack);
            let (mut area, mut length) = (0.0, 0.0);
            for (distance, other) in distances.iter().zip(&picture.patches) {
                let alike = gaussian(*distance, SIGMA_COLOUR);
                area += alike;
                length += if other.touches_border { alike } else { 0.0 };
            }
            length / area.sqrt()
        })
        .collect()
}

/// Neighbours, and all patches on the border with each other: an object may cut the background in two.
fn geodesic_links(picture: &Superpixels) -> Vec<Vec<usize>> {
    let on_border: Vec<usize> = (0..picture.patches.len())
        .filter(|&i| picture.patches[i].touches_border)
        .collect();
    let mut links = picture.neighbours.clone();
    for &i in &on_border {
        links[i].extend(on_border.iter().filter(|&&other| other != i));
    }
    links
}

/// Mean distance of a patch to the most similar one next to it: steps as small as this are free, else a smooth gradient
/// would end in another region.
fn smallest_steps(links: &[Vec<usize>], colour_distances: &Square) -> f32 {
    let smallest = |(i, others): (usize, &Vec<usize>)| {
        let distances = others.iter().map(|&other| colour_distances.row(i)[other]);
        distances.fold(f32::INFINITY, f32::min)
    };
    let all = links.iter().enumerate().map(smallest);
    let finite: Vec<f32> = all.filter(|distance| distance.is_finite()).collect();
    finite.iter().sum::<f32>() / finite.len().max(1) as f32
}

/// Dijkstra's shortest paths from one patch to all.
fn geodesic_distances(
    from: usize,
    links: &[Vec<usize>],
    colour_distances: &Square,
    slack: f32,
) -> Vec<f32> {
    let mut distances = vec![f32::INFINITY; links.len()];
    let mut open: Vec<usize> = (0..links.len()).collect();
    distances[from] = 0.0;
    while let Some(nearest) = (0..open.len())
        .min_by(|&a, &b| distances[open[a]].total_cmp(&distances[open[b]]))
        .map(|at| open.swap_remove(at))
    {
        for &other in &links[nearest] {
            let step = colour_distances.row(nearest)[other];
            let step = if step < slack { 0.0 } else { step };
            distances[other] = distances[other].min(distances[nearest] + step);
        }
    }
    distances
}

/// How far a patch's colour is from the background's near it.
fn contrast(patches: &[Patch], colour_distances: &Square, background: &[f32]) -> Vec<f32> {
    (0..patches.len())
        .map(|i| {
            let [x, y] = patches[i].place;
            let others = patches.iter().zip(colour_distances.row(i)).zip(background);
            others
                .map(|((other, colour), background)| {
                    let apart = (other.place[0] - x).hypot(other.place[1] - y);
                    colour * gaussian(apart, SIGMA_PLACE) * background
                })
                .sum()
        })
        .collect()
}

/// The minimum of `λ Σ bg s² + Σ fg (s − 1)² + Σ w (s_i − s_j)²`, the last over neighbours: a linear system.
fn optimised(
    picture: &Superpixels,
    colour_distances: &Square,
    background: &[f32],
    foreground: &[f32],
) -> Vec<f32> {
    let n = picture.patches.len();
    let mut s = foreground.to_vec();
    // Gauss-Seidel: the matrix is dominated by its diagonal, as every patch has a weight of its own.
    for _ in 0..SWEEPS {
        for i in 0..n {
            let (mut total, mut pull) = (LAMBDA * background[i] + foreground[i], foreground[i]);
            for &other in &picture.neighbours[i] {
                let weight = gaussian(colour_distances.row(i)[other], SIGMA_COLOUR) + MU;
                total += weight;
                pull += weight * s[other];
            }
            if total > 0.0 {
                s[i] = pull / total;
            }
        }
    }
    s
}

/// Enough for a system of a few hundred patches.
const SWEEPS: usize = 200;
