// One step of the Chebyshev iteration for (1 + w² Λ) y = start + w² divergence.
// Twin: src/synth/blend/poisson.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), 1), once a step.
// direction: [h, w] the step before, or the start   residual: [h, w] changed; before the first step the divergence
// solution: [h, w] changed   next: [h, w] written
#import shared/grid

struct ChebyshevParams {
    width: u32,
    height: u32,
    is_first: u32,
    weight_0: f32,
    weight_1: f32,
    weight_2: f32,
    keep_0: f32,
    keep_1: f32,
    keep_2: f32,
    turn_0: f32,
    turn_1: f32,
    turn_2: f32,
}

@group(0) @binding(0) var<storage, read> direction: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> residual: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> solution: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> next: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> params: ChebyshevParams;

fn excess(grid: Grid, own: vec3<f32>, at: vec2<i32>) -> vec3<f32> {
    if !is_inside(grid, at) {
        return vec3<f32>(0.0);
    }
    return own - direction[index_of(grid, vec2<u32>(at), 0u)].xyz;
}

@compute @workgroup_size(8, 8)
fn chebyshev(@builtin(global_invocation_id) id: vec3<u32>) {
    let grid = Grid(params.width, params.height);
    let at = vec2<i32>(id.xy);
    if !is_inside(grid, at) {
        return;
    }
    let i = index_of(grid, id.xy, 0u);
    let weight = vec3(params.weight_0, params.weight_1, params.weight_2);
    let keep = vec3(params.keep_0, params.keep_1, params.keep_2);
    let turn = vec3(params.turn_0, params.turn_1, params.turn_2);
    let own = direction[i].xyz;
    let laplacian = excess(grid, own, at - vec2(0, 1)) + excess(grid, own, at + vec2(0, 1))
        + excess(grid, own, at - vec2(1, 0)) + excess(grid, own, at + vec2(1, 0));
    var left = residual[i].xyz;
    var so_far = solution[i].xyz;
    if params.is_first != 0u {
        left = weight * (left - laplacian);
        so_far = own;
    } else {
        left -= own + weight * laplacian;
    }
    let step = keep * own + turn * left;
    residual[i] = vec4<f32>(left, 0.0);
    next[i] = vec4<f32>(step, 0.0);
    solution[i] = vec4<f32>(so_far + step, 0.0);
}
