// The patch-summed occupancy of each place of the keyframe: counts filtered with a tent nine wide along both axes.
// Twin: src/synth/occupancy.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), layers).
// counts: [layers, h, w]   occupancy: [layers, h, w], written
#import shared/grid

@group(0) @binding(0) var<storage, read> counts: array<u32>;
@group(0) @binding(1) var<storage, read_write> occupancy: array<u32>;
@group(1) @binding(0) var<uniform> params: Grid;

const REACH: i32 = 4;
// Sums are cut here, so that they fit 32 bits when weighted.
const MOST: u32 = 0x800000u;

var<workgroup> block: array<u32, 256>;
var<workgroup> columns: array<u32, 128>;

@compute @workgroup_size(8, 8)
fn tent(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    for (var i = local; i < 256u; i += 64u) {
        let at = vec2<i32>(group.xy * 8u + vec2<u32>(i % 16u, i / 16u)) - REACH;
        block[i] = 0u;
        if is_inside(params, at) {
            block[i] = counts[index_of(params, vec2<u32>(at), group.z)];
        }
    }
    workgroupBarrier();
    for (var i = local; i < 128u; i += 64u) {
        var sum = 0u;
        for (var d = -REACH; d <= REACH; d++) {
            sum += block[i + u32(d + REACH) * 16u] * u32(REACH + 1 - abs(d));
        }
        columns[i] = sum;
    }
    workgroupBarrier();
    if !is_inside(params, vec2<i32>(id.xy)) {
        return;
    }
    let first = local / 8u * 16u + local % 8u;
    var sum = 0u;
    for (var d = -REACH; d <= REACH; d++) {
        sum += columns[first + u32(d + REACH)] * u32(REACH + 1 - abs(d));
    }
    occupancy[index_of(params, id.xy, id.z)] = min(sum, MOST);
}
