// A pixel during a pass of the search, with the best match so far.
// Twin: src/synth/patchmatch.rs.   Needs shared/grid, shared/nnf, shared/energy and, of the kernel: occupancy, counts,
// errors.

struct Candidate {
    at: vec2<u32>,
    layer: u32,
    centre: vec2<u32>,
    error: u32,
    // Energy and occupancy of the match.
    cost: u32,
}

fn price(grid: Grid, centre: vec2<u32>, layer: u32, uniformity: u32) -> u32 {
    return occupancy[index_of(grid, centre, layer)] * uniformity;
}

fn candidate(grid: Grid, at: vec2<u32>, layer: u32, word: u32, uniformity: u32) -> Candidate {
    let centre = split(word);
    let error = errors[index_of(grid, at, layer)];
    return Candidate(at, layer, centre, error, error + price(grid, centre, layer, uniformity));
}

// Takes the match at `centre` if it costs less.
fn offer(grid: Grid, best: ptr<function, Candidate>, centre: vec2<u32>, uniformity: u32) {
    let asked = price(grid, centre, (*best).layer, uniformity);
    if all(centre == (*best).centre) || asked >= (*best).cost {
        return;
    }
    let limit = (*best).cost - asked;
    let error = energy(grid, (*best).at, centre, (*best).layer, limit);
    if error < limit {
        (*best).centre = centre;
        (*best).error = error;
        (*best).cost = error + asked;
    }
}

// Records the error, and moves the pixel from one place's count to another's.
fn settle_on(grid: Grid, best: Candidate, word: u32) {
    if join(best.centre) == word {
        return;
    }
    errors[index_of(grid, best.at, best.layer)] = best.error;
    atomicSub(&counts[index_of(grid, split(word), best.layer)], 1u);
    atomicAdd(&counts[index_of(grid, best.centre, best.layer)], 1u);
}
