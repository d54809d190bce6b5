// How many pixels of the frame are matched to each place of the keyframe.
// Twin: src/synth/occupancy.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), layers).
// matches: [layers, h, w] positions   counts: [layers, h, w], zero before, written
#import shared/grid
#import shared/nnf

@group(0) @binding(0) var<storage, read> matches: array<u32>;
@group(0) @binding(1) var<storage, read_write> counts: array<atomic<u32>>;
@group(1) @binding(0) var<uniform> params: Grid;

@compute @workgroup_size(8, 8)
fn count(@builtin(global_invocation_id) id: vec3<u32>) {
    if !is_inside(params, vec2<i32>(id.xy)) {
        return;
    }
    let centre = split(matches[index_of(params, id.xy, id.z)]);
    atomicAdd(&counts[index_of(params, centre, id.z)], 1u);
}
