// Converts colours to CIELAB in bytes, in integers.
// Twin: src/synth/blend/lab.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), 1).
// picture: [h, w] colours   tables: see shared/lab_tables   converted: [h, w] colours, written
#import shared/grid
#import shared/colour
#import shared/lab_tables

@group(0) @binding(0) var<storage, read> picture: array<u32>;
@group(0) @binding(1) var<storage, read> tables: array<i32>;
@group(0) @binding(2) var<storage, read_write> converted: array<u32>;
@group(1) @binding(0) var<uniform> params: Grid;

@compute @workgroup_size(8, 8)
fn lab(@builtin(global_invocation_id) id: vec3<u32>) {
    if !is_inside(params, vec2<i32>(id.xy)) {
        return;
    }
    let i = index_of(params, id.xy, 0u);
    let rgb = vec3<u32>(unpacked(picture[i]));
    let light = vec3<i32>(tables[LINEAR + rgb.x], tables[LINEAR + rgb.y], tables[LINEAR + rgb.z]);
    // Columns of the matrix in lab.rs.
    let xyz = light.x * vec3(1777, 871, 73) + light.y * vec3(1541, 2929, 448) + light.z * vec3(778, 296, 3575);
    let at = vec3<u32>(rounded(xyz, 12u));
    let x = tables[ROOT + at.x];
    let y = tables[ROOT + at.y];
    let z = tables[ROOT + at.z];
    let raw = vec3<i32>(296 * y - 1336935, 500 * (x - y) + 4194304, 200 * (y - z) + 4194304);
    converted[i] = packed(clamp(rounded(raw, 15u), vec3(0), vec3(255)));
}
