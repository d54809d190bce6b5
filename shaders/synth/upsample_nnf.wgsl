// The field of the next finer level: each match doubled, neighbours side by side, five pixels from the border.
// Twin: src/synth/nnf.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), layers).
// coarse: [layers, coarse_height, coarse_width] positions   fine: [layers, height, width] positions, written
#import shared/grid
#import shared/nnf

struct UpsampleNnf {
    coarse_width: u32,
    coarse_height: u32,
    width: u32,
    height: u32,
}

@group(0) @binding(0) var<storage, read> coarse: array<u32>;
@group(0) @binding(1) var<storage, read_write> fine: array<u32>;
@group(1) @binding(0) var<uniform> params: UpsampleNnf;

@compute @workgroup_size(8, 8)
fn upsample_nnf(@builtin(global_invocation_id) id: vec3<u32>) {
    let grid = Grid(params.width, params.height);
    if !is_inside(grid, vec2<i32>(id.xy)) {
        return;
    }
    let before = Grid(params.coarse_width, params.coarse_height);
    let at = clamped(before, vec2<i32>(id.xy / 2u));
    let doubled = 2u * split(coarse[index_of(before, at, id.z)]) + id.xy % 2u;
    let last = max(vec2<u32>(params.width, params.height), vec2<u32>(11u)) - 6u;
    fine[index_of(grid, id.xy, id.z)] = join(clamp(doubled, vec2<u32>(5u), last));
}
