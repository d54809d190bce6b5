// Mixes both passes linearly, by channel.
// Twin: src/synth/blend/histogram.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), 1).
// forward, backward: [h, w] colours   mixed: [h, w] colours, written
#import shared/grid
#import shared/colour

struct ContrastParams {
    width: u32,
    height: u32,
    forward_0: f32,
    forward_1: f32,
    forward_2: f32,
    backward_0: f32,
    backward_1: f32,
    backward_2: f32,
    offset_0: f32,
    offset_1: f32,
    offset_2: f32,
}

@group(0) @binding(0) var<storage, read> forward: array<u32>;
@group(0) @binding(1) var<storage, read> backward: array<u32>;
@group(0) @binding(2) var<storage, read_write> mixed: array<u32>;
@group(1) @binding(0) var<uniform> params: ContrastParams;

@compute @workgroup_size(8, 8)
fn contrast(@builtin(global_invocation_id) id: vec3<u32>) {
    let grid = Grid(params.width, params.height);
    if !is_inside(grid, vec2<i32>(id.xy)) {
        return;
    }
    let i = index_of(grid, id.xy, 0u);
    let f = vec3<f32>(unpacked(forward[i]));
    let b = vec3<f32>(unpacked(backward[i]));
    let forward_part = vec3(params.forward_0, params.forward_1, params.forward_2);
    let backward_part = vec3(params.backward_0, params.backward_1, params.backward_2);
    let offset = vec3(params.offset_0, params.offset_1, params.offset_2);
    let value = round(forward_part * f + backward_part * b + offset);
    mixed[i] = packed(vec3<i32>(clamp(value, vec3(0.0), vec3(255.0))));
}
