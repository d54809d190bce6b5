// Halves a picture, averaging what is known.
// Twin: src/synth/guides/fill.rs.   Dispatch: (ceil(w / 16), ceil(h / 16), layers), a pixel of the half each.
// values: [layers, h, w] values and weight   above: [layers, ceil(h / 2), ceil(w / 2)] the same, written
#import shared/pyramid

@group(0) @binding(0) var<storage, read> values: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> above: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> params: Grid;

fn weighted(at: vec2<u32>, layer: u32) -> vec4<f32> {
    if at.x >= params.width || at.y >= params.height {
        return vec4<f32>(0.0);
    }
    let value = values[index_of(params, at, layer)];
    return vec4<f32>(value.w * value.xyz, value.w);
}

@compute @workgroup_size(8, 8)
fn push(@builtin(global_invocation_id) id: vec3<u32>) {
    let half = halved(params);
    if !is_inside(half, vec2<i32>(id.xy)) {
        return;
    }
    let at = 2u * id.xy;
    let sum = weighted(at, id.z) + weighted(at + vec2(1u, 0u), id.z)
        + weighted(at + vec2(0u, 1u), id.z) + weighted(at + vec2(1u, 1u), id.z);
    var mean = vec4<f32>(0.0);
    if sum.w > 0.0 {
        mean = vec4<f32>(sum.xyz / sum.w, min(sum.w, 1.0));
    }
    above[index_of(half, id.xy, id.z)] = mean;
}
