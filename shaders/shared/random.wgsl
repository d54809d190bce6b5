// Random numbers without state: every draw is a function of where and when it is made.
// Twin: src/synth/random.rs.

fn pcg3d(seed: vec3<u32>) -> vec3<u32> {
    var v = seed * 1664525u + 1013904223u;
    v.x += v.y * v.z;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v ^= v >> vec3<u32>(16u);
    v.x += v.y * v.z;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    return v;
}

// Maps random words into ranges of coordinates, both ends included.
fn within(words: vec2<u32>, first: vec2<u32>, last: vec2<u32>) -> vec2<u32> {
    let lengths = last - first + 1u;
    return first + (((words >> vec2<u32>(16u)) * lengths) >> vec2<u32>(16u));
}
