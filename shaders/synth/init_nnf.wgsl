// A field of random matches.
// Twin: src/synth/nnf.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), layers).
// seeds: [layers]   matches: [layers, h, w] positions in the keyframe, written
#import shared/grid
#import shared/nnf
#import shared/random

struct InitNnf {
    width: u32,
    height: u32,
    moment: u32,
}

@group(0) @binding(0) var<storage, read> seeds: array<u32>;
@group(0) @binding(1) var<storage, read_write> matches: array<u32>;
@group(1) @binding(0) var<uniform> params: InitNnf;

@compute @workgroup_size(8, 8)
fn init_nnf(@builtin(global_invocation_id) id: vec3<u32>) {
    let grid = Grid(params.width, params.height);
    if !is_inside(grid, vec2<i32>(id.xy)) {
        return;
    }
    let pixel = index_of(grid, id.xy, 0u);
    let words = pcg3d(vec3<u32>(pixel, params.moment, seeds[id.z])).xy;
    matches[index_of(grid, id.xy, id.z)] = join(within(words, first_centre(), last_centre(grid)));
}
