// Chooses the pass whose patches fit better, and keeps backward what was backward one frame before.
// Twin: src/synth/blend/error_mask.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), 1).
// errors: [h, w]   previous: [h, w] mask one frame before   flow: [h, w] vectors into it   mask: [h, w] 1 = backward, written
#import shared/warp

struct SelectParams {
    width: u32,
    height: u32,
    forward_weight: f32,
    backward_weight: f32,
    has_previous: u32,
}

@group(0) @binding(0) var<storage, read> forward_error: array<u32>;
@group(0) @binding(1) var<storage, read> backward_error: array<u32>;
@group(0) @binding(2) var<storage, read> previous: array<u32>;
@group(0) @binding(3) var<storage, read> flow: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> mask: array<u32>;
@group(1) @binding(0) var<uniform> params: SelectParams;

@compute @workgroup_size(8, 8)
fn select_pass(@builtin(global_invocation_id) id: vec3<u32>) {
    let grid = Grid(params.width, params.height);
    if !is_inside(grid, vec2<i32>(id.xy)) {
        return;
    }
    let i = index_of(grid, id.xy, 0u);
    let forward = params.forward_weight * f32(forward_error[i]);
    let backward = params.backward_weight * f32(backward_error[i]);
    var is_backward = params.forward_weight > 0.0 && forward >= backward;
    if params.has_previous != 0u {
        let source = source_of(grid, id.xy, flow[i]);
        is_backward = is_backward || (source.x >= 0 && previous[index_of(grid, vec2<u32>(source), 0u)] != 0u);
    }
    mask[i] = u32(is_backward);
}
