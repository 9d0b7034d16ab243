const f32 = new Float32Array(1);
const i32 = new Int32Array(f32.buffer);

/** The bits of x rounded to binary32 (nearest, ties to even), as int32. */
export function fp32Bits(x: number): number {
  f32[0] = x;
  return i32[0];
}

/** The binary32 value whose bits are the int32 i. */
export function bitsFp32(i: number): number {
  i32[0] = i;
  return f32[0];
}
