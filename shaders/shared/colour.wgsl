// Colours of three bytes in one word, red lowest; the top byte is 0.

fn unpacked(colour: u32) -> vec3<i32> {
    return vec3<i32>(vec3<u32>(colour, colour >> 8u, colour >> 16u) & vec3<u32>(255u));
}

fn packed(colour: vec3<i32>) -> u32 {
    let bytes = vec3<u32>(colour);
    return bytes.x | (bytes.y << 8u) | (bytes.z << 16u);
}
