// The weighted squared difference of two patches of 5×5 records.
// Twin: src/synth/patch.rs.   Needs shared/grid and, of the kernel: keyframe, canvas, canvas_at.

const RADIUS: i32 = 2;

fn bytes(word: u32) -> vec4<i32> {
    return vec4<i32>((vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u));
}

fn weighted(a: u32, b: u32, weights: vec4<i32>) -> u32 {
    let d = bytes(a) - bytes(b);
    return u32(dot(d * d, weights));
}

// The weights of src/synth/record.rs.
fn difference(a: vec4<u32>, b: vec4<u32>) -> u32 {
    return weighted(a.x, b.x, vec4<i32>(10, 10, 10, 60))
        + weighted(a.y, b.y, vec4<i32>(60, 60, 5, 5))
        + weighted(a.z, b.z, vec4<i32>(5, 5, 5, 5))
        + weighted(a.w, b.w, vec4<i32>(20, 20, 0, 0));
}

// The energy of matching the patch around `at` to the one around `centre`, or any number of at least `limit` if it
// reaches that.
fn energy(grid: Grid, at: vec2<u32>, centre: vec2<u32>, layer: u32, limit: u32) -> u32 {
    var sum = 0u;
    for (var dy = -RADIUS; dy <= RADIUS; dy++) {
        for (var dx = -RADIUS; dx <= RADIUS; dx++) {
            let offset = vec2<i32>(dx, dy);
            let source = vec2<u32>(vec2<i32>(centre) + offset);
            sum += difference(canvas_at(at, offset, layer), keyframe[index_of(grid, source, layer)]);
        }
        if sum >= limit {
            break;
        }
    }
    return sum;
}
