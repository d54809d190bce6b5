// Converts CIELAB in bytes to RGB, in integers.
// Twin: src/synth/blend/lab.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), 1).
// picture: [h, w] colours   tables: see shared/lab_tables   converted: [h, w] colours, written
#import shared/grid
#import shared/colour
#import shared/lab_tables

@group(0) @binding(0) var<storage, read> picture: array<u32>;
@group(0) @binding(1) var<storage, read> tables: array<i32>;
@group(0) @binding(2) var<storage, read_write> converted: array<u32>;
@group(1) @binding(0) var<uniform> params: Grid;

const ONE: i32 = 16384;

fn cubed(root: i32) -> i32 {
    if root <= 3390 {
        return root * 108 / 841 - 290;
    }
    return root * root / ONE * root / ONE;
}

@compute @workgroup_size(8, 8)
fn unlab(@builtin(global_invocation_id) id: vec3<u32>) {
    if !is_inside(params, vec2<i32>(id.xy)) {
        return;
    }
    let i = index_of(params, id.xy, 0u);
    let colour = unpacked(picture[i]);
    let y = tables[LIGHTNESS + 2u * u32(colour.x)];
    let root = tables[LIGHTNESS + 2u * u32(colour.x) + 1u];
    let across = ((5 * colour.y * 53687 + 128) >> 13u) - 128 * ONE / 500;
    let along = ((colour.z * 41943 + 16) >> 9u) - 128 * ONE / 200 + 1;
    let x = cubed(root + across);
    let z = cubed(root - along);
    // Columns of the matrix in lab.rs.
    let rgb = x * vec3(12615, -3773, 217) + y * vec3(-6296, 7684, -836) + z * vec3(-2223, 185, 4715);
    let at = vec3<u32>(clamp(rounded(rgb, 14u), vec3(0), vec3(4095)));
    converted[i] = packed(vec3<i32>(tables[DISPLAY + at.x], tables[DISPLAY + at.y], tables[DISPLAY + at.z]));
}
