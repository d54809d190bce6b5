// Offers each pixel a match drawn from the square around its own, for two radii one after the other.
// Twin: src/synth/patchmatch.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), layers).
// canvas, keyframe: [layers, h, w] vec4<u32>   settled: [layers, h, w] 0 or 1   occupancy: [layers, h, w]
// seeds: [layers]   matches, errors, counts: [layers, h, w], updated
#import shared/grid
#import shared/nnf
#import shared/random
#import shared/energy
#import shared/candidate

struct Random {
    width: u32,
    height: u32,
    moment: u32,
    pair: u32,
    radii: u32,
    uniformity: u32,
}

@group(0) @binding(0) var<storage, read> canvas: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> keyframe: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> matches: array<u32>;
@group(0) @binding(3) var<storage, read> settled: array<u32>;
@group(0) @binding(4) var<storage, read> occupancy: array<u32>;
@group(0) @binding(5) var<storage, read_write> errors: array<u32>;
@group(0) @binding(6) var<storage, read_write> counts: array<atomic<u32>>;
@group(0) @binding(7) var<storage, read> seeds: array<u32>;
@group(1) @binding(0) var<uniform> params: Random;

fn canvas_at(at: vec2<u32>, offset: vec2<i32>, layer: u32) -> vec4<u32> {
    let grid = Grid(params.width, params.height);
    return canvas[index_of(grid, clamped(grid, vec2<i32>(at) + offset), layer)];
}

@compute @workgroup_size(8, 8)
fn random(@builtin(global_invocation_id) id: vec3<u32>) {
    let grid = Grid(params.width, params.height);
    if !is_inside(grid, vec2<i32>(id.xy)) {
        return;
    }
    let i = index_of(grid, id.xy, id.z);
    if settled[i] != 0u {
        return;
    }
    let word = matches[i];
    let pixel = index_of(grid, id.xy, 0u);
    var best = candidate(grid, id.xy, id.z, word, params.uniformity);
    let last_radius = min(2u * params.pair + 2u, params.radii);
    for (var k = 2u * params.pair; k < last_radius; k++) {
        let words = pcg3d(vec3<u32>(pixel, params.moment, k ^ seeds[id.z])).xy;
        let radius = vec2<u32>(1u << k);
        let lowest = max(best.centre, radius) - radius;
        let first = max(lowest, first_centre());
        let last = min(best.centre + radius, last_centre(grid));
        offer(grid, &best, within(words, first, last), params.uniformity);
    }
    matches[i] = join(best.centre);
    settle_on(grid, best, word);
}
