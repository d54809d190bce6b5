// A stack of pictures of one size, row by row, and how they lie in a buffer: layer, row, column.

struct Grid {
    width: u32,
    height: u32,
}

// Whether the position is inside the picture.
fn is_inside(grid: Grid, at: vec2<i32>) -> bool {
    return all(at >= vec2<i32>(0)) && all(at < vec2<i32>(vec2<u32>(grid.width, grid.height)));
}

// Place in the buffer of a pixel of a layer.
fn index_of(grid: Grid, at: vec2<u32>, layer: u32) -> u32 {
    return (layer * grid.height + at.y) * grid.width + at.x;
}

fn clamped(grid: Grid, at: vec2<i32>) -> vec2<u32> {
    let last = vec2<i32>(vec2<u32>(grid.width, grid.height)) - 1;
    return vec2<u32>(clamp(at, vec2<i32>(0), last));
}
