// Moves pictures along a flow: each pixel is the one nearest to where its vector points, black outside.
// Twin: src/synth/guides/warp.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), layers).
// previous: [layers, h, w] colours   flow: [layers, h, w] vectors   moved: [layers, h, w] colours, written
#import shared/warp

@group(0) @binding(0) var<storage, read> previous: array<u32>;
@group(0) @binding(1) var<storage, read> flow: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> moved: array<u32>;
@group(1) @binding(0) var<uniform> params: Grid;

@compute @workgroup_size(8, 8)
fn warp_nearest(@builtin(global_invocation_id) id: vec3<u32>) {
    if !is_inside(params, vec2<i32>(id.xy)) {
        return;
    }
    let i = index_of(params, id.xy, id.z);
    let source = source_of(params, id.xy, flow[i]);
    if source.x < 0 {
        moved[i] = 0u;
    } else {
        moved[i] = previous[index_of(params, vec2<u32>(source), id.z)];
    }
}
