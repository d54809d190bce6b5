// The records that the patches of a workgroup cover, fetched once.
// Needs shared/grid and, of the kernel: canvas. Every invocation of the workgroup must call load_tile.

const TILE: u32 = 12u;
var<workgroup> tile: array<vec4<u32>, 144>;

fn load_tile(grid: Grid, group: vec3<u32>, local: u32) {
    for (var i = local; i < TILE * TILE; i += 64u) {
        let inside = vec2<i32>(vec2<u32>(i % TILE, i / TILE)) - 2;
        let at = clamped(grid, vec2<i32>(group.xy * 8u) + inside);
        tile[i] = canvas[index_of(grid, at, group.z)];
    }
    workgroupBarrier();
}

fn canvas_at(at: vec2<u32>, offset: vec2<i32>, layer: u32) -> vec4<u32> {
    let place = vec2<u32>(vec2<i32>(at % 8u) + offset + 2);
    return tile[place.y * TILE + place.x];
}
