// Marks pixels whose flow leads to one that does not lead back.
// Twin: src/synth/guides/occlusion.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), layers).
// cur_from_prev, prev_from_cur: [layers, h, w] vectors   occluded: [layers, h, w] 0 or 1, written
#import shared/grid

@group(0) @binding(0) var<storage, read> cur_from_prev: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read> prev_from_cur: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> occluded: array<u32>;
@group(1) @binding(0) var<uniform> params: Grid;

const ALLOWED_PART: f32 = 0.01;
const ALLOWED_PIXELS: f32 = 0.5;

// Zero outside, also where the place is no number.
fn back_at(at: vec2<f32>, layer: u32, weight: f32) -> vec2<f32> {
    let size = vec2<f32>(vec2<u32>(params.width, params.height));
    if all(at >= vec2<f32>(0.0)) && all(at < size) {
        return weight * prev_from_cur[index_of(params, vec2<u32>(at), layer)];
    }
    return vec2<f32>(0.0);
}

@compute @workgroup_size(8, 8)
fn occlusion(@builtin(global_invocation_id) id: vec3<u32>) {
    if !is_inside(params, vec2<i32>(id.xy)) {
        return;
    }
    let i = index_of(params, id.xy, id.z);
    let there = cur_from_prev[i];
    let at = vec2<f32>(id.xy) + there;
    let corner = floor(at);
    let part = at - corner;
    let back = back_at(corner, id.z, (1.0 - part.x) * (1.0 - part.y))
        + back_at(corner + vec2(1.0, 0.0), id.z, part.x * (1.0 - part.y))
        + back_at(corner + vec2(0.0, 1.0), id.z, (1.0 - part.x) * part.y)
        + back_at(corner + vec2(1.0, 1.0), id.z, part.x * part.y);
    let allowed = ALLOWED_PART * (length(there) + length(prev_from_cur[i])) + ALLOWED_PIXELS;
    let is_consistent = length(there + back) <= allowed;
    occluded[i] = select(1u, 0u, is_consistent);
}
