// Every pixel becomes the mean, rounded down, of the source colours that the patches covering it put there.
// Twin: src/synth/vote.rs.   Dispatch: (ceil(w / 8), ceil(h / 8), layers).
// keyframe: [layers, h, w] vec4<u32>   matches: [layers, h, w] positions
// canvas: [layers, h, w] vec4<u32>, its style written   marks: [layers, h, w], 1 where a channel changed by the threshold
#import shared/grid
#import shared/nnf
#import shared/colour

struct Vote {
    width: u32,
    height: u32,
    threshold: u32,
}

@group(0) @binding(0) var<storage, read> keyframe: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> matches: array<u32>;
@group(0) @binding(2) var<storage, read_write> canvas: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> marks: array<u32>;
@group(1) @binding(0) var<uniform> params: Vote;

@compute @workgroup_size(8, 8)
fn vote_settle(@builtin(global_invocation_id) id: vec3<u32>) {
    let grid = Grid(params.width, params.height);
    let at = vec2<i32>(id.xy);
    if !is_inside(grid, at) {
        return;
    }
    var sum = vec3<i32>(0);
    var n = 0;
    for (var dy = -2; dy <= 2; dy++) {
        for (var dx = -2; dx <= 2; dx++) {
            let offset = vec2<i32>(dx, dy);
            if is_inside(grid, at + offset) {
                let theirs = matches[index_of(grid, vec2<u32>(at + offset), id.z)];
                let source = vec2<u32>(vec2<i32>(split(theirs)) - offset);
                sum += unpacked(keyframe[index_of(grid, source, id.z)].x);
                n += 1;
            }
        }
    }
    let colour = sum / n;
    let i = index_of(grid, id.xy, id.z);
    let before = canvas[i].x;
    canvas[i].x = packed(colour) | (before & 0xff000000u);
    let change = abs(colour - unpacked(before));
    marks[i] = u32(any(change >= vec3<i32>(i32(params.threshold))));
}
