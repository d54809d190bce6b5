// Samples records at a coarser size: bilinear at the position times the ratio of the sizes, rounded down.
// Twin: src/synth/pyramid.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), layers).
// full: [layers, full_height, full_width] vec4<u32>   coarse: [layers, height, width] vec4<u32>, written
#import shared/grid

struct Downsample {
    full_width: u32,
    full_height: u32,
    width: u32,
    height: u32,
}

@group(0) @binding(0) var<storage, read> full: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> coarse: array<vec4<u32>>;
@group(1) @binding(0) var<uniform> params: Downsample;

// One of the four bytes of each word.
fn byte_of(words: vec4<u32>, shift: u32) -> vec4<u32> {
    return (words >> vec4<u32>(shift)) & vec4<u32>(255u);
}

@compute @workgroup_size(8, 8)
fn downsample(@builtin(global_invocation_id) id: vec3<u32>) {
    let grid = Grid(params.width, params.height);
    if !is_inside(grid, vec2<i32>(id.xy)) {
        return;
    }
    let all = Grid(params.full_width, params.full_height);
    let size = vec2<u32>(params.width, params.height);
    let scaled = id.xy * vec2<u32>(params.full_width, params.full_height);
    let low = scaled / size;
    let part = scaled % size;
    let high = clamped(all, vec2<i32>(low + 1u));
    let corners = array<vec4<u32>, 4>(
        full[index_of(all, low, id.z)],
        full[index_of(all, vec2<u32>(high.x, low.y), id.z)],
        full[index_of(all, vec2<u32>(low.x, high.y), id.z)],
        full[index_of(all, high, id.z)],
    );
    var result = vec4<u32>(0u);
    for (var shift = 0u; shift < 32u; shift += 8u) {
        let top = byte_of(corners[0], shift) * (size.x - part.x) + byte_of(corners[1], shift) * part.x;
        let bottom = byte_of(corners[2], shift) * (size.x - part.x) + byte_of(corners[3], shift) * part.x;
        let sum = top * (size.y - part.y) + bottom * part.y;
        result |= (sum / (size.x * size.y)) << vec4<u32>(shift);
    }
    coarse[index_of(grid, id.xy, id.z)] = result;
}
