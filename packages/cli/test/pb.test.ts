import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import type { Io } from "../src/io.js";
import { fileNameOf, readTensorFile } from "../src/tensor/file.js";
import { encodeNpy, type FileTensor } from "../src/tensor/npy.js";
import { decodeTensorFile } from "../src/tensor/pb.js";
import { scratch } from "./harness.js";

const raw = (a: { buffer: ArrayBufferLike }): Uint8Array => new Uint8Array(a.buffer);

/** A TensorProto by hand: dims (field 1), data_type (2), name (8), raw_data (9). */
const proto = (type: number, dims: readonly number[], data: Uint8Array): Uint8Array =>
  Uint8Array.from([...dims.flatMap((d) => [0x08, d]), 0x10, type, 0x42, 1, 0x74, 0x4a, data.length, ...data]);

describe("decodeTensorFile", () => {
  it.each<[string, Uint8Array, FileTensor]>([
    [
      "float32",
      proto(1, [2], raw(Float32Array.of(1, -2))),
      { type: "float32", shape: [2], data: Float32Array.of(1, -2) },
    ],
    [
      "float64 exactly",
      proto(11, [1], raw(Float64Array.of(0.1))),
      { type: "float64", shape: [1], data: Float64Array.of(0.1) },
    ],
    [
      "float16",
      proto(10, [1, 1], Uint8Array.of(0, 0x3e)),
      { type: "float16", shape: [1, 1], data: Float32Array.of(1.5) },
    ],
    [
      "int64",
      proto(7, [1], raw(BigInt64Array.of(-(2n ** 60n)))),
      { type: "int64", shape: [1], data: BigInt64Array.of(-(2n ** 60n)) },
    ],
    ["bool", proto(9, [2], Uint8Array.of(0, 1)), { type: "bool", shape: [2], data: Uint8Array.of(0, 1) }],
    ["a scalar", proto(3, [], Uint8Array.of(255)), { type: "int8", shape: [], data: Int8Array.of(-1) }],
  ])("reads %s", (_, bytes, tensor) => {
    expect(decodeTensorFile(bytes)).toEqual(tensor);
  });

  it("reads typed fields, and more than 127 bytes", () => {
    const values = Float32Array.from({ length: 60 }, (_, i) => i);
    const bytes = Uint8Array.from([0x08, 60, 0x10, 1, 0x22, 240, 1, ...raw(values)]);
    expect(decodeTensorFile(bytes)).toEqual({ type: "float32", shape: [60], data: values });
  });

  it.each([
    [
      "short data",
      proto(1, [3], raw(Float32Array.of(1, 2))),
      "8 bytes of data for 3 elements of float32, which take 12",
    ],
    ["strings", proto(8, [1], Uint8Array.of(1)), "strings cannot be computed with"],
    ["garbage", Uint8Array.of(0xff, 0xff, 0xff), "the file is not an ONNX model"],
  ])("refuses %s", (_, bytes, reason) => {
    expect(() => decodeTensorFile(bytes)).toThrow(reason);
  });
});

describe("readTensorFile", () => {
  const io = { cwd: "" } as Io;
  const a: FileTensor = { type: "int8", shape: [1], data: Int8Array.of(1) };
  const b: FileTensor = { type: "int8", shape: [1], data: Int8Array.of(2) };

  it("tells formats by their content and picks the archive's member", async () => {
    const cwd = scratch();
    const put = (name: string, bytes: Uint8Array) => writeFileSync(join(cwd, name), bytes);
    put("a.dat", encodeNpy(a));
    put("two.npz", zipSync({ "x.npy": encodeNpy(a), "y.npy": encodeNpy(b) }));
    put("one.npz", zipSync({ "arr_0.npy": encodeNpy(b) }));
    put("t.pb", proto(3, [1], Uint8Array.of(2)));
    const read = (name: string, file: string) => readTensorFile({ ...io, cwd }, name, file);
    expect(await read("x", "a.dat")).toEqual(a);
    expect(await read("y", "two.npz")).toEqual(b);
    expect(await read("anything", "one.npz")).toEqual(b);
    expect(await read("x", "t.pb")).toEqual(b);
    await expect(read("z", "two.npz")).rejects.toThrow(
      "two.npz is not a tensor file: the archive has no member z; its members are x, y",
    );
  });
});

it("names files after tensors", () => {
  expect(fileNameOf("a/b:0 c-d.e_f")).toBe("a_b_0_c-d.e_f.npy");
  expect(fileNameOf("../x")).toBe(".._x.npy");
});
