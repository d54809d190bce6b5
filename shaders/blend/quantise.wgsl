// Makes bytes of the solution.
// Twin: src/synth/blend/poisson.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), 1).
// solution: [h, w] three values   quantised: [h, w] colours, written
#import shared/grid
#import shared/colour

struct QuantiseParams {
    width: u32,
    height: u32,
    rounds_down: u32,
}

@group(0) @binding(0) var<storage, read> solution: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> quantised: array<u32>;
@group(1) @binding(0) var<uniform> params: QuantiseParams;

@compute @workgroup_size(8, 8)
fn quantise(@builtin(global_invocation_id) id: vec3<u32>) {
    let grid = Grid(params.width, params.height);
    if !is_inside(grid, vec2<i32>(id.xy)) {
        return;
    }
    let i = index_of(grid, id.xy, 0u);
    let value = solution[i].xyz;
    let whole = select(round(value), floor(value), params.rounds_down != 0u);
    quantised[i] = packed(vec3<i32>(clamp(whole, vec3(0.0), vec3(255.0))));
}
