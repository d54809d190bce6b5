// Sums over a picture that its mean, spread and correlation follow from; each workgroup those of 16384 pixels.
// Twin: src/synth/blend/histogram.rs.   Dispatch: (ceil(w · h / 16384), 1, 1).
// forward, backward: [h, w] colours   mask: [h, w] 1 = backward
// sums: [workgroups, 7, 3] F, B, M, F², B², M², F·B by channel, written
#import shared/colour

struct SumsParams {
    n_pixels: u32,
}

@group(0) @binding(0) var<storage, read> forward: array<u32>;
@group(0) @binding(1) var<storage, read> backward: array<u32>;
@group(0) @binding(2) var<storage, read> mask: array<u32>;
@group(0) @binding(3) var<storage, read_write> sums: array<u32>;
@group(1) @binding(0) var<uniform> params: SumsParams;

const PER_GROUP: u32 = 16384u;
const N_SUMS: u32 = 21u;

var<workgroup> partial: array<array<u32, 21>, 64>;

@compute @workgroup_size(64)
fn add_up(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) own: u32) {
    var sum: array<vec3<u32>, 7>;
    let start = group.x * PER_GROUP;
    let end = min(start + PER_GROUP, params.n_pixels);
    for (var i = start + own; i < end; i += 64u) {
        let f = vec3<u32>(unpacked(forward[i]));
        let b = vec3<u32>(unpacked(backward[i]));
        let m = select(f, b, mask[i] != 0u);
        sum[0] += f;
        sum[1] += b;
        sum[2] += m;
        sum[3] += f * f;
        sum[4] += b * b;
        sum[5] += m * m;
        sum[6] += f * b;
    }
    for (var k = 0u; k < 7u; k++) {
        partial[own][3u * k] = sum[k].x;
        partial[own][3u * k + 1u] = sum[k].y;
        partial[own][3u * k + 2u] = sum[k].z;
    }
    workgroupBarrier();
    if own < N_SUMS {
        var total = 0u;
        for (var k = 0u; k < 64u; k++) {
            total += partial[k][own];
        }
        sums[group.x * N_SUMS + own] = total;
    }
}
