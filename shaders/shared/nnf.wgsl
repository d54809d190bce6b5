// A position in the keyframe in one word: across in the low half, down in the high half.

fn join(at: vec2<u32>) -> u32 {
    return at.x | (at.y << 16u);
}

fn split(word: u32) -> vec2<u32> {
    return vec2<u32>(word & 0xffffu, word >> 16u);
}

// The first and the last place, on either axis, where a patch's centre may be.
fn first_centre() -> vec2<u32> {
    return vec2<u32>(2u);
}

fn last_centre(grid: Grid) -> vec2<u32> {
    return vec2<u32>(grid.width, grid.height) - 3u;
}
