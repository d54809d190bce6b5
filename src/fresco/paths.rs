//! Flow → paths: which token of each frame continues which token of the first, and where that is not true.
//!
//! Flow links tokens of neighbouring frames, several to one or none at all. To let attention run along paths without
//! gaps, each pair of frames is completed to a permutation; the links that only complete it are marked broken, and
//! nothing is seen across a break.
//!
//! # Source
//! Cong et al., "FLATTEN: optical flow-guided attention for consistent text-to-video editing", 2024; the order in which
//! collisions are decided is FRESCO's reference implementation's.

/// Host planes of one pair of neighbouring frames on a token grid.
#[derive(Clone, Copy, Debug)]
pub struct PairPlanes<'a> {
    /// Rows and columns.
    pub grid: [usize; 2],
    /// On the later frame, pointing into the earlier, in tokens: the plane of x, then that of y.
    pub flow: &'a [f32],
    /// On the later frame: whether it has no counterpart in the earlier.
    pub occluded: &'a [bool],
    /// Colours of the earlier frame, plane by plane.
    pub earlier: &'a [f32],
    /// Colours of the later frame, plane by plane.
    pub later: &'a [f32],
}

/// Links of all tokens of a frame to tokens of the next: a permutation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    /// Token of the later frame for each token of the earlier.
    pub next: Vec<usize>,
    /// Whether flow says nothing about this token of the earlier frame, so that its link is arbitrary.
    pub broken: Vec<bool>,
}

/// A path starts at each token of the first frame and visits one token of every frame; each token is on one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// `tokens[i][p]` is the token of frame `i` on path `p`.
    pub tokens: Vec<Vec<usize>>,
    /// `broken[i][p]`: path `p` does not truly continue from frame `i` to the next.
    pub broken: Vec<Vec<bool>>,
}

/// Links the tokens of two neighbouring frames.
///
/// Tokens of the later frame are visited in raster order. Each claims the token that its flow points to; of two that
/// claim the same, the one whose colour is closer keeps it, the earlier of equals. What is left over on both sides is
/// joined in ascending order and marked broken.
#[must_use]
pub fn link(pair: &PairPlanes<'_>) -> Links {
    let [height, width] = pair.grid;
    let n_tokens = height * width;
    let mut claimed: Vec<Option<usize>> = vec![None; n_tokens];
    let mut is_linked = vec![false; n_tokens];
    for later in 0..n_tokens {
        let Some(earlier) = target(pair, later) else {
            continue;
        };
        let holder = claimed[earlier];
        let wins = holder.is_none_or(|holder| {
            colour_distance(pair, earlier, later) < colour_distance(pair, earlier, holder)
        });
        if wins {
            claimed[earlier] = Some(later);
            is_linked[later] = true;
            if let Some(loser) = holder {
                is_linked[loser] = false;
            }
        }
    }
    let mut free = (0..n_tokens).filter(|&later| !is_linked[later]);
    let broken: Vec<bool> = claimed.iter().map(Option::is_none).collect();
    let next = claimed.into_iter().map(|later| {
        later.or_else(|| free.next()).unwrap_or_else(|| {
            unreachable!("as many tokens are left over in the one frame as in the other")
        })
    });
    Links {
        next: next.collect(),
        broken,
    }
}

/// The token of the earlier frame that a token of the later one comes from, if it is visible there.
fn target(pair: &PairPlanes<'_>, later: usize) -> Option<usize> {
    let [height, width] = pair.grid;
    let (flow_x, flow_y) = pair.flow.split_at(height * width);
    let rounded = |place: usize, flow: f32, size: usize| {
        let at = (place as f32 + flow).round_ties_even();
        (at >= 0.0 && at < size as f32).then_some(at as usize)
    };
    let x = rounded(later % width, flow_x[later], width)?;
    let y = rounded(later / width, flow_y[later], height)?;
    (!pair.occluded[later]).then_some(y * width + x)
}

fn colour_distance(pair: &PairPlanes<'_>, earlier: usize, later: usize) -> f32 {
    let n_tokens = pair.grid[0] * pair.grid[1];
    let planes = pair
        .earlier
        .chunks_exact(n_tokens)
        .zip(pair.later.chunks_exact(n_tokens));
    planes.map(|(a, b)| (a[earlier] - b[later]).powi(2)).sum()
}

impl Paths {
    /// Joins the links of neighbouring frames; no links at all are the paths of a single frame.
    #[must_use]
    pub fn new(n_tokens: usize, links: &[Links]) -> Self {
        let mut tokens: Vec<Vec<usize>> = vec![(0..n_tokens).collect()];
        let mut broken = Vec::with_capacity(links.len());
        for link in links {
            let here = &tokens[tokens.len() - 1];
            broken.push(here.iter().map(|&token| link.broken[token]).collect());
            let there = here.iter().map(|&token| link.next[token]).collect();
            tokens.push(there);
        }
        Self { tokens, broken }
    }

    /// Frames that the paths run through.
    #[must_use]
    pub fn n_frames(&self) -> usize {
        self.tokens.len()
    }

    /// Tokens of a frame, as many as paths.
    #[must_use]
    pub fn n_tokens(&self) -> usize {
        self.tokens[0].len()
    }

    /// For each frame, the path of each of its tokens.
    #[must_use]
    pub fn inverse(&self) -> Vec<Vec<usize>> {
        let invert = |tokens: &Vec<usize>| {
            let mut path_of = vec![0; tokens.len()];
            for (path, &token) in tokens.iter().enumerate() {
                path_of[token] = path;
            }
            path_of
        };
        self.tokens.iter().map(invert).collect()
    }

    /// Whether path `path` runs unbroken between two frames.
    #[must_use]
    pub fn is_visible(&self, path: usize, a: usize, b: usize) -> bool {
        !self.broken[a.min(b)..a.max(b)]
            .iter()
            .any(|broken| broken[path])
    }
}

/// Tokens that all frames attend to, numbered through the batch: all of the first frame, and of every other those that
/// are not in the frame before it.
///
/// `occluded[i]` tells it of frame `i + 1`; a batch of one frame has none.
#[must_use]
pub fn token_set(n_tokens: usize, occluded: &[Vec<bool>]) -> Vec<usize> {
    let first = 0..n_tokens;
    let new = occluded.iter().enumerate().flat_map(|(i, occluded)| {
        let hidden = occluded.iter().enumerate().filter(|(_, hidden)| **hidden);
        hidden.map(move |(token, _)| (i + 1) * n_tokens + token)
    });
    first.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_worked_example() {
        let grid = [3, 4];
        let to_the_left = [[-1.0; 12], [0.0; 12]].concat();
        let mut occluded = [false; 12];
        occluded[6] = true;
        let grey = [0.0; 36];
        let first = link(&PairPlanes {
            grid,
            flow: &to_the_left,
            occluded: &occluded,
            earlier: &grey,
            later: &grey,
        });
        assert_eq!(first.next, [1, 2, 3, 0, 5, 4, 7, 6, 9, 10, 11, 8]);
        let mut flow = [0.0; 24];
        flow[20..].fill(-1.0);
        let mut later = [0.5; 36];
        for plane in later.chunks_mut(12) {
            plane[8..].fill(0.0);
        }
        let second = link(&PairPlanes {
            grid,
            flow: &flow,
            occluded: &[false; 12],
            earlier: &grey,
            later: &later,
        });
        assert_eq!(second.next, [0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7]);

        let paths = Paths::new(12, &[first, second]);
        assert_eq!(paths.tokens[2], [1, 2, 3, 0, 9, 8, 11, 10, 5, 6, 7, 4]);
        let inverse = paths.inverse();
        assert_eq!(inverse[2], [3, 0, 1, 2, 11, 8, 9, 10, 5, 4, 7, 6]);
        let broken = |a: usize| -> Vec<usize> {
            (0..12)
                .filter(|&p| !paths.is_visible(p, a, a + 1))
                .collect()
        };
        assert_eq!(broken(0), [3, 5, 7, 11]);
        assert_eq!(broken(1), [8, 9, 10, 11]);
        assert!(!paths.is_visible(8, 0, 2) && !paths.is_visible(5, 2, 0));
        assert!(paths.is_visible(0, 0, 2) && paths.is_visible(5, 1, 2));
    }

    #[test]
    fn all_frames_attend_to_the_first_and_to_what_is_new() {
        let occluded = [vec![false, true, false], vec![true, false, true]];
        assert_eq!(token_set(3, &occluded), [0, 1, 2, 4, 6, 8]);
        assert_eq!(token_set(3, &[]), [0, 1, 2]);
    }

    #[derive(Debug)]
    struct Pair {
        flow: Vec<f32>,
        occluded: Vec<bool>,
        colours: [Vec<f32>; 2],
    }

    impl Pair {
        fn planes(&self, grid: [usize; 2]) -> PairPlanes<'_> {
            PairPlanes {
                grid,
                flow: &self.flow,
                occluded: &self.occluded,
                earlier: &self.colours[0],
                later: &self.colours[1],
            }
        }
    }

    /// Shifts and colours of few values: tokens claim the same one, colours tie, and shifts end halfway between tokens.
    fn pairs() -> impl Strategy<Value = ([usize; 2], Vec<Pair>)> {
        (1_usize..6, 1_usize..6, 0_usize..4).prop_flat_map(|(height, width, n_pairs)| {
            let n = height * width;
            let values = |most: i8, parts: f32, n: usize| {
                proptest::collection::vec((-most..=most).prop_map(move |v| f32::from(v) / parts), n)
            };
            let pair = (
                values(12, 4.0, 2 * n),
                proptest::collection::vec(proptest::bool::weighted(0.3), n),
                [values(2, 2.0, 3 * n), values(2, 2.0, 3 * n)],
            );
            let pair = pair.prop_map(|(flow, occluded, colours)| Pair {
                flow,
                occluded,
                colours,
            });
            (
                Just([height, width]),
                proptest::collection::vec(pair, n_pairs),
            )
        })
    }

    fn is_permutation(of: &[usize]) -> bool {
        let mut sorted = of.to_vec();
        sorted.sort_unstable();
        sorted.into_iter().eq(0..of.len())
    }

    /// Links as they are defined, by trying every token of the one frame with every token of the other; and the tokens
    /// of the later frame that are left over.
    fn defined_links(pair: &PairPlanes<'_>) -> (Links, Vec<usize>) {
        let [height, width] = pair.grid;
        let n = height * width;
        let comes_from = |later: usize, earlier: usize| {
            let lands_on = |from: usize, flow: f32, to: usize| {
                (from as f32 + flow).round_ties_even() as i64 == to as i64
            };
            !pair.occluded[later]
                && lands_on(later % width, pair.flow[later], earlier % width)
                && lands_on(later / width, pair.flow[n + later], earlier / width)
        };
        let distance = |earlier: usize, later: usize| -> f32 {
            let of_plane =
                |plane: usize| pair.earlier[plane * n + earlier] - pair.later[plane * n + later];
            (0..3).map(|plane| of_plane(plane).powi(2)).sum()
        };
        let holder = |earlier: usize| {
            let claim = (0..n).filter(|&later| comes_from(later, earlier));
            // The first of those that are equally close.
            claim.min_by(|&a, &b| distance(earlier, a).total_cmp(&distance(earlier, b)))
        };
        let holders: Vec<Option<usize>> = (0..n).map(holder).collect();
        let free: Vec<usize> = (0..n)
            .filter(|later| !holders.contains(&Some(*later)))
            .collect();
        let mut rest = free.iter().copied();
        let links = Links {
            next: holders
                .iter()
                .map(|held| held.unwrap_or_else(|| rest.next().unwrap()))
                .collect(),
            broken: holders.iter().map(Option::is_none).collect(),
        };
        (links, free)
    }

    proptest! {
        #[test]
        fn links_are_those_of_the_definition((grid, pairs) in pairs()) {
            for pair in &pairs {
                let planes = pair.planes(grid);
                let links = link(&planes);
                let (defined, free) = defined_links(&planes);
                prop_assert!(is_permutation(&links.next));
                prop_assert_eq!(links.broken.iter().filter(|broken| **broken).count(), free.len());
                prop_assert_eq!(links, defined);
            }
        }

        #[test]
        fn paths_obey_their_laws((grid, pairs) in pairs()) {
            let n_tokens = grid[0] * grid[1];
            let links: Vec<Links> = pairs.iter().map(|pair| link(&pair.planes(grid))).collect();
            let paths = Paths::new(n_tokens, &links);
            prop_assert_eq!(paths.n_frames(), pairs.len() + 1);
            prop_assert!(paths.tokens[0].iter().copied().eq(0..n_tokens));
            for (tokens, path_of) in paths.tokens.iter().zip(paths.inverse()) {
                prop_assert!(is_permutation(tokens));
                prop_assert!((0..n_tokens).all(|p| path_of[tokens[p]] == p));
            }
            for p in 0..n_tokens {
                for (i, link) in links.iter().enumerate() {
                    prop_assert_eq!(paths.tokens[i + 1][p], link.next[paths.tokens[i][p]]);
                }
                for a in 0..paths.n_frames() {
                    prop_assert!(paths.is_visible(p, a, a));
                    let mut is_whole = true;
                    for b in a + 1..paths.n_frames() {
                        // Block-diagonal: who sees a frame sees all frames on the way to it.
                        is_whole &= !links[b - 1].broken[paths.tokens[b - 1][p]];
                        prop_assert_eq!(paths.is_visible(p, a, b), is_whole);
                        prop_assert_eq!(paths.is_visible(p, b, a), is_whole);
                    }
                }
            }
        }
    }
}
