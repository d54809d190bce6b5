// By how much each pixel exceeds its four neighbours, by channel, cut off below zero; the border is mirrored.
// Twin: src/synth/guides/edge.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), layers).
// picture: [layers, h, w] colours   edges: [layers, h, w] colours, written
#import shared/grid
#import shared/colour

@group(0) @binding(0) var<storage, read> picture: array<u32>;
@group(0) @binding(1) var<storage, read_write> edges: array<u32>;
@group(1) @binding(0) var<uniform> params: Grid;

// The place, or beyond the border its mirror image that does not repeat the border pixel.
fn mirrored(at: vec2<i32>) -> vec2<u32> {
    let last = vec2<i32>(vec2<u32>(params.width, params.height)) - 1;
    let inside = last - abs(last - abs(at));
    return vec2<u32>(max(inside, vec2<i32>(0)));
}

fn colour_at(at: vec2<i32>, layer: u32) -> vec3<i32> {
    return unpacked(picture[index_of(params, mirrored(at), layer)]);
}

@compute @workgroup_size(8, 8)
fn edge(@builtin(global_invocation_id) id: vec3<u32>) {
    let at = vec2<i32>(id.xy);
    if !is_inside(params, at) {
        return;
    }
    let around = colour_at(at + vec2(-1, 0), id.z) + colour_at(at + vec2(1, 0), id.z)
        + colour_at(at + vec2(0, -1), id.z) + colour_at(at + vec2(0, 1), id.z);
    let excess = 4 * colour_at(at, id.z) - around;
    edges[index_of(params, id.xy, id.z)] = packed(clamp(excess, vec3(0), vec3(255)));
}
