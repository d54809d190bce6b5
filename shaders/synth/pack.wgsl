// Interleaves style and guides into records of sixteen bytes.
// Twin: src/synth/record.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), layers).
// style, colour, edge, temporal, position: [layers, h, w] colours   records: [layers, h, w] vec4<u32>, written
#import shared/grid

@group(0) @binding(0) var<storage, read> style: array<u32>;
@group(0) @binding(1) var<storage, read> colour: array<u32>;
@group(0) @binding(2) var<storage, read> edge: array<u32>;
@group(0) @binding(3) var<storage, read> temporal: array<u32>;
@group(0) @binding(4) var<storage, read> position: array<u32>;
@group(0) @binding(5) var<storage, read_write> records: array<vec4<u32>>;
@group(1) @binding(0) var<uniform> params: Grid;

@compute @workgroup_size(8, 8)
fn pack(@builtin(global_invocation_id) id: vec3<u32>) {
    if !is_inside(params, vec2<i32>(id.xy)) {
        return;
    }
    let i = index_of(params, id.xy, id.z);
    let mask = 0xffffffu;
    let s = style[i] & mask;
    let c = colour[i] & mask;
    let e = edge[i] & mask;
    let t = temporal[i] & mask;
    records[i] = vec4<u32>(
        s | (c << 24u),
        (c >> 8u) | (e << 16u),
        (e >> 16u) | (t << 8u),
        position[i] & 0xffffu,
    );
}
