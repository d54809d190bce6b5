// Pixels with no mark within a patch's radius have settled.
// Twin: src/synth/vote.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), layers).
// marks: [layers, h, w] 0 or 1   settled: [layers, h, w], written
#import shared/grid

@group(0) @binding(0) var<storage, read> marks: array<u32>;
@group(0) @binding(1) var<storage, read_write> settled: array<u32>;
@group(1) @binding(0) var<uniform> params: Grid;

@compute @workgroup_size(8, 8)
fn dilate(@builtin(global_invocation_id) id: vec3<u32>) {
    let at = vec2<i32>(id.xy);
    if !is_inside(params, at) {
        return;
    }
    var any_mark = 0u;
    for (var dy = -2; dy <= 2; dy++) {
        for (var dx = -2; dx <= 2; dx++) {
            any_mark |= marks[index_of(params, clamped(params, at + vec2<i32>(dx, dy)), id.z)];
        }
    }
    settled[index_of(params, id.xy, id.z)] = 1u - any_mark;
}
