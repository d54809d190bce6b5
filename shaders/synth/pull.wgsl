// Paints what a level does not know with the smooth enlargement of the level above.
// Twin: src/synth/guides/fill.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), layers).
// values: [layers, h, w] values and weight, changed   above: [layers, ceil(h / 2), ceil(w / 2)] the same
#import shared/pyramid

@group(0) @binding(0) var<storage, read_write> values: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> above: array<vec4<f32>>;
@group(1) @binding(0) var<uniform> params: Grid;

@compute @workgroup_size(8, 8)
fn pull(@builtin(global_invocation_id) id: vec3<u32>) {
    if !is_inside(params, vec2<i32>(id.xy)) {
        return;
    }
    let i = index_of(params, id.xy, id.z);
    let value = values[i];
    let missing = 1.0 - value.w;
    if missing <= 0.0 {
        return;
    }
    let half = halved(params);
    let last = vec2<f32>(vec2<u32>(half.width - 1u, half.height - 1u));
    let centre = clamp((vec2<f32>(id.xy) - 0.5) * 0.5, vec2<f32>(0.0), last);
    let low = vec2<u32>(centre);
    let part = centre - vec2<f32>(low);
    let high = min(low + 1u, vec2<u32>(last));
    let over = mix(above[index_of(half, low, id.z)], above[index_of(half, vec2(high.x, low.y), id.z)], part.x);
    let under = mix(above[index_of(half, vec2(low.x, high.y), id.z)], above[index_of(half, high, id.z)], part.x);
    let up = mix(over, under, part.y);
    // Where nothing is known anywhere, the picture stays.
    if up.w > 0.0 {
        values[i] = vec4<f32>(value.w * value.xyz + missing * up.xyz, 1.0);
    }
}
