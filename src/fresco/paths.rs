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

    fn pairs() -> impl Strategy<Value = ([usize; 2], Vec<Pair>)> {
        (1_usize..6, 1_usize..6, 0_usize..4).prop_flat_map(|(height, width, n_pairs)| {
            let n = height * width;
            let colours = || proptest::collection::vec(-1.0_f32..1.0, 3 * n);
            let pair = (
                proptest::collection::vec(-3.0_f32..3.0, 2 * n),
                proptest::collection::vec(any::<bool>(), n),
                [colours(), colours()],
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

    proptest! {
        #[test]
        fn paths_obey_their_laws((grid, pairs) in pairs()) {
            let n_tokens = grid[0] * grid[1];
            let planes: Vec<PairPlanes<'_>> = pairs.iter().map(|pair| PairPlanes {
                grid,
                flow: &pair.flow,
                occluded: &pair.occluded,
                earlier: &pair.colours[0],
                later: &pair.colours[1],
            }).collect();
            let links: Vec<Links> = planes.iter().map(link).collect();
            for (links, pair) in links.iter().zip(&planes) {
                prop_assert!(is_permutation(&links.next));
                for (earlier, (&later, &broken)) in links.next.iter().zip(&links.broken).enumerate() {
                    // A true link is one that flow made.
                    prop_assert!(broken || target(pair, later) == Some(earlier));
                }
            }
            let paths = Paths::new(n_tokens, &links);
            prop_assert_eq!(paths.n_frames(), pairs.len() + 1);
            for (tokens, path_of) in paths.tokens.iter().zip(paths.inverse()) {
                prop_assert!(is_permutation(tokens));
                prop_assert!((0..n_tokens).all(|p| path_of[tokens[p]] == p));
            }
            for p in 0..n_tokens {
                for a in 0..paths.n_frames() {
                    prop_assert!(paths.is_visible(p, a, a));
                    for b in 0..paths.n_frames() {
                        prop_assert_eq!(paths.is_visible(p, a, b), paths.is_visible(p, b, a));
                        // Block-diagonal: seeing is transitive.
                        for c in 0..paths.n_frames() {
                            let through = paths.is_visible(p, a, b) && paths.is_visible(p, b, c);
                            prop_assert!(!through || paths.is_visible(p, a, c));
                        }
                    }
                }
            }
        }
    }
}
