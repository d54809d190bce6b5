// The divergence of the chosen gradients, and the picture from which the solver starts, as floats.
// Twin: src/synth/blend/poisson.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), 1).
// forward, backward, contrast: [h, w] colours   mask: [h, w] 1 = backward
// divergence, start: [h, w] three values, written
#import shared/grid
#import shared/colour

@group(0) @binding(0) var<storage, read> forward: array<u32>;
@group(0) @binding(1) var<storage, read> backward: array<u32>;
@group(0) @binding(2) var<storage, read> mask: array<u32>;
@group(0) @binding(3) var<storage, read> contrast: array<u32>;
@group(0) @binding(4) var<storage, read_write> divergence: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> start: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> params: Grid;

const MAX_GRADIENT: i32 = 100;

// The difference of a pixel and the next one, in the pass that the first is chosen from; zero if either is outside.
fn gradient(from_at: vec2<i32>, to_at: vec2<i32>) -> vec3<i32> {
    if !is_inside(params, from_at) || !is_inside(params, to_at) {
        return vec3<i32>(0);
    }
    let a = index_of(params, vec2<u32>(from_at), 0u);
    let b = index_of(params, vec2<u32>(to_at), 0u);
    var difference = unpacked(forward[a]) - unpacked(forward[b]);
    if mask[a] != 0u {
        difference = unpacked(backward[a]) - unpacked(backward[b]);
    }
    return clamp(difference, vec3(-MAX_GRADIENT), vec3(MAX_GRADIENT));
}

@compute @workgroup_size(8, 8)
fn diverge(@builtin(global_invocation_id) id: vec3<u32>) {
    let at = vec2<i32>(id.xy);
    if !is_inside(params, at) {
        return;
    }
    let i = index_of(params, id.xy, 0u);
    let down = vec2<i32>(0, 1);
    let right = vec2<i32>(1, 0);
    let sum = gradient(at, at + down) + gradient(at, at + right)
        - gradient(at - down, at) - gradient(at - right, at);
    divergence[i] = vec4<f32>(vec3<f32>(sum), 0.0);
    start[i] = vec4<f32>(vec3<f32>(unpacked(contrast[i])), 0.0);
}
