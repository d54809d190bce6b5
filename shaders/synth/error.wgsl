// The energy of each pixel's match.
// Twin: src/synth/patchmatch.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), layers).
// canvas, keyframe: [layers, h, w] vec4<u32>   matches: [layers, h, w] positions   settled: [layers, h, w] 0 or 1
// errors: [layers, h, w], written where not settled, or everywhere
#import shared/grid
#import shared/nnf
#import shared/tile
#import shared/energy

struct Measure {
    width: u32,
    height: u32,
    everywhere: u32,
}

@group(0) @binding(0) var<storage, read> canvas: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> keyframe: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> matches: array<u32>;
@group(0) @binding(3) var<storage, read> settled: array<u32>;
@group(0) @binding(4) var<storage, read_write> errors: array<u32>;
@group(1) @binding(0) var<uniform> params: Measure;

@compute @workgroup_size(8, 8)
fn error(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let grid = Grid(params.width, params.height);
    load_tile(grid, group, local);
    if !is_inside(grid, vec2<i32>(id.xy)) {
        return;
    }
    let i = index_of(grid, id.xy, id.z);
    if params.everywhere == 0u && settled[i] != 0u {
        return;
    }
    errors[i] = energy(grid, id.xy, split(matches[i]), id.z, 0xffffffffu);
}
