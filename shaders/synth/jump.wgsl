// Offers each pixel the matches of its four neighbours some distance away, moved along.
// Twin: src/synth/patchmatch.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), layers).
// canvas, keyframe: [layers, h, w] vec4<u32>   matches: [layers, h, w] positions   settled: [layers, h, w] 0 or 1
// occupancy: [layers, h, w]   after: positions, written   errors, counts: [layers, h, w], updated
#import shared/grid
#import shared/nnf
#import shared/tile
#import shared/energy
#import shared/candidate

struct Jump {
    width: u32,
    height: u32,
    distance: u32,
    uniformity: u32,
}

@group(0) @binding(0) var<storage, read> canvas: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> keyframe: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> matches: array<u32>;
@group(0) @binding(3) var<storage, read> settled: array<u32>;
@group(0) @binding(4) var<storage, read> occupancy: array<u32>;
@group(0) @binding(5) var<storage, read_write> errors: array<u32>;
@group(0) @binding(6) var<storage, read_write> counts: array<atomic<u32>>;
@group(0) @binding(7) var<storage, read_write> after: array<u32>;
@group(1) @binding(0) var<uniform> params: Jump;

@compute @workgroup_size(8, 8)
fn jump(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let grid = Grid(params.width, params.height);
    load_tile(grid, group, local);
    if !is_inside(grid, vec2<i32>(id.xy)) {
        return;
    }
    let i = index_of(grid, id.xy, id.z);
    let word = matches[i];
    if settled[i] != 0u {
        after[i] = word;
        return;
    }
    var best = candidate(grid, id.xy, id.z, word, params.uniformity);
    let first = vec2<i32>(first_centre());
    let last = vec2<i32>(last_centre(grid));
    let distance = i32(params.distance);
    var step = vec2<i32>(-distance, 0);
    // Left, right, up, down.
    for (var k = 0u; k < 4u; k++) {
        let neighbour = vec2<i32>(id.xy) + step;
        if is_inside(grid, neighbour) {
            let theirs = matches[index_of(grid, vec2<u32>(neighbour), id.z)];
            let centre = vec2<i32>(split(theirs)) - step;
            if all(centre >= first) && all(centre <= last) {
                offer(grid, &best, vec2<u32>(centre), params.uniformity);
            }
        }
        step = -step;
        if k == 1u {
            step = step.yx;
        }
    }
    after[i] = join(best.centre);
    settle_on(grid, best, word);
}
