import { describe, expect, it } from "vitest";
import {
  buildModel,
  decodeModel,
  decodeTensor,
  type ELEMENT_TYPES,
  encodeModel,
  importProto,
  locationProblem,
  type TensorProto,
  toBigInt,
} from "../src/index.js";
import { printed } from "./import-text.js";

const list = (t: TensorProto): unknown => {
  const d = decodeTensor(t);
  return typeof d === "string" ? d : [d.dtype, ...Array.from(d.data as ArrayLike<number | bigint>)];
};
const raw = (...bytes: number[]) => Uint8Array.from(bytes);
const long = (x: bigint) => ({
  low: Number(BigInt.asIntN(32, x)),
  high: Number(BigInt.asIntN(32, x >> 32n)),
  unsigned: false,
});
type Code = keyof typeof ELEMENT_TYPES;

/** Every element type, once in raw_data and once in its typed field. */
const FORMS: readonly [name: string, code: Code, raw: Uint8Array, field: TensorProto, want: readonly unknown[]][] = [
  ["float32", 1, raw(0, 0, 0xc0, 0x3f), { floatData: [1.5] }, ["float32", 1.5]],
  ["uint8", 2, raw(200), { int32Data: [200] }, ["uint8", 200]],
  ["int8", 3, raw(200), { int32Data: [-56] }, ["int8", -56]],
  ["uint16", 4, raw(1, 0x80), { int32Data: [32769] }, ["uint16", 32769]],
  ["int16", 5, raw(1, 0x80), { int32Data: [-32767] }, ["int16", -32767]],
  ["int32", 6, raw(0xfe, 0xff, 0xff, 0xff), { int32Data: [-2] }, ["int32", -2]],
  [
    "int64",
    7,
    raw(1, 0, 0, 0, 0, 0, 0x20, 0),
    { int64Data: [long(9007199254740993n) as never] },
    ["int64", 9007199254740993n],
  ],
  ["bool", 9, raw(7), { int32Data: [1] }, ["bool", 1]],
  ["float16", 10, raw(0x55, 0x35), { int32Data: [0x3555] }, ["float32", 0.333251953125]],
  ["float64", 11, raw(0, 0, 0, 0, 0, 0, 0xf8, 0x3f), { doubleData: [1.5] }, ["float32", 1.5]],
  ["uint32", 12, raw(0xff, 0xff, 0xff, 0xff), { uint64Data: [long(4294967295n) as never] }, ["uint32", 4294967295]],
  [
    "uint64",
    13,
    raw(255, 255, 255, 255, 255, 255, 255, 255),
    { uint64Data: [long(-1n) as never] },
    ["uint64", 18446744073709551615n],
  ],
  ["bfloat16", 16, raw(0xc0, 0xbf), { int32Data: [0xbfc0] }, ["float32", -1.5]],
  ["float8e4m3fn", 17, raw(0x7e), { int32Data: [0x7e] }, ["float32", 448]],
  ["float8e4m3fnuz", 18, raw(0x7f), { int32Data: [0x7f] }, ["float32", 240]],
  ["float8e5m2", 19, raw(0x7b), { int32Data: [0x7b] }, ["float32", 57344]],
  ["float8e5m2fnuz", 20, raw(0x7f), { int32Data: [0x7f] }, ["float32", 57344]],
  ["float8e8m0", 24, raw(128), { int32Data: [128] }, ["float32", 2]],
];

describe("tensors", () => {
  it.each(FORMS)("%s", (_name, code, rawData, field, want) => {
    expect(list({ dims: [1], dataType: code as number, rawData })).toEqual(want);
    expect(list({ dims: [1], dataType: code as number, ...field })).toEqual(want);
  });

  it("unpacks 4- and 2-bit elements, the first in the low bits", () => {
    expect(list({ dims: [3], dataType: 21, rawData: raw(0xf1, 0x0e) })).toEqual(["uint8", 1, 15, 14]);
    expect(list({ dims: [3], dataType: 22, rawData: raw(0xf1, 0x0e) })).toEqual(["int8", 1, -1, -2]);
    expect(list({ dims: [3], dataType: 22, int32Data: [0xf1, 0x0e] })).toEqual(["int8", 1, -1, -2]);
    expect(list({ dims: [3], dataType: 23, rawData: raw(0xf1, 0x02) })).toEqual(["float32", 0.5, -6, 1]);
    expect(list({ dims: [5], dataType: 25, rawData: raw(0b11100100, 2) })).toEqual(["uint8", 0, 1, 2, 3, 2]);
    expect(list({ dims: [5], dataType: 26, rawData: raw(0b11100100, 2) })).toEqual(["int8", 0, 1, -2, -1, -2]);
  });

  it("knows the special codes of small floats", () => {
    const at = (dataType: number, code: number) => (list({ dims: [1], dataType, rawData: raw(code) }) as unknown[])[1];
    expect([at(17, 0x7f), at(18, 0x80), at(19, 0x7e), at(20, 0x80), at(24, 255)]).toEqual([NaN, NaN, NaN, NaN, NaN]);
    expect([at(19, 0x7c), at(19, 0xfc)]).toEqual([Infinity, -Infinity]);
    expect([at(17, 0x01), at(18, 0x01), at(19, 0x01), at(20, 0x01)]).toEqual([2 ** -9, 2 ** -10, 2 ** -16, 2 ** -17]);
  });

  it("rejects sizes that do not fit and types that are no numbers", () => {
    expect(list({ dims: [2], dataType: 1, rawData: raw(1, 2, 3) })).toBe(
      "3 bytes of data for 2 elements of float32, which take 8",
    );
    expect(list({ dims: [2], dataType: 1, floatData: [1] })).toBe("1 values for 2 elements of float32");
    expect(list({ dims: [-1], dataType: 1 })).toBe("its shape has the extent -1");
    expect(list({ dims: [65536, 65536, 2], dataType: 1 })).toBe("its shape [65536,65536,2] has too many elements");
    expect(list({ dims: [1], dataType: 8, stringData: [raw(65)] })).toBe("strings cannot be computed with");
    expect(list({ dims: [1], dataType: 14 })).toBe("complex numbers are not supported");
    expect(list({ dims: [1], dataType: 77 })).toBe("the element type 77 is unknown");
    expect(list({ dims: [1], dataType: 1, segment: { begin: 0, end: 1 } })).toBe("segmented tensors are not supported");
  });

  it("keeps int64 through a file", () => {
    const data = [9007199254740993n, -9223372036854775808n, 9223372036854775807n];
    const node = { op: "Constant", inputs: [], outputs: ["y"], attributes: { value_ints: { ints: data } } };
    const model = buildModel({ inputs: [], outputs: [{ name: "y" }], nodes: [node] });
    const read = decodeModel(encodeModel(model)).graph!.node![0]!.attribute![0]!.ints!;
    expect(read.map((x) => toBigInt(x))).toEqual(data);
  });

  it("FE2007 names the initializer", async () => {
    const model = buildModel({
      inputs: [],
      outputs: [{ name: "y" }],
      nodes: [{ op: "Relu", inputs: ["w"], outputs: ["y"] }],
      initializers: [{ name: "w", shape: [2], data: [1] }],
    });
    expect(await printed(importProto(model, { modelName: "m.onnx" }))).toMatchInlineSnapshot(`
      "m.onnx: FE2007: initializer "w": 4 bytes of data for 2 elements of float32, which take 8
        help: export the model again
      "
    `);
  });
});

describe("external data", () => {
  const file = Uint8Array.from({ length: 64 }, (_, i) => i);
  const asked: unknown[] = [];
  const reader = (path: string, offset: number, length: number | undefined) => {
    asked.push([path, offset, length]);
    if (path === "absent.bin") return Promise.reject(new Error("no such file"));
    return Promise.resolve(file.subarray(offset, length === undefined ? undefined : offset + length));
  };
  const load = (entries: Readonly<Record<string, string>>, withReader = true) => {
    const model = buildModel({
      inputs: [],
      outputs: [{ name: "y" }],
      nodes: [{ op: "Relu", inputs: ["w"], outputs: ["y"] }],
    });
    const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
    model.graph!.initializer = [{ name: "w", dims: [4], dataType: 2, dataLocation: 1, externalData }];
    model.graph!.node![0]!.opType = "Identity";
    return printed(importProto(model, { modelName: "m.onnx", ...(withReader ? { externalData: reader } : {}) }));
  };

  it("reads byte ranges", async () => {
    expect(await load({ location: "sub/w.bin", offset: "8", length: "4" })).toContain("= [8, 9, 10, 11]");
    expect(await load({ location: "./w.bin", checksum: "00" })).toContain("= [0, 1, 2, 3]");
    expect(asked).toEqual([
      ["sub/w.bin", 8, 4],
      ["./w.bin", 0, 4],
    ]);
  });

  it("copies data out of Node's buffers", async () => {
    const model = buildModel({ inputs: [], outputs: [{ name: "w" }], nodes: [] });
    const externalData = [{ key: "location", value: "w.bin" }];
    model.graph!.initializer = [{ name: "w", dims: [1], dataType: 7, dataLocation: 1, externalData }];
    const pool = Buffer.from([9, 9, 9, 7, 0, 0, 0, 0, 0, 0, 0, 9]);
    const read = async () => pool.subarray(3, 11);
    expect(await printed(importProto(model, { modelName: "m", externalData: read }))).toContain("= [7]");
  });

  it("FE2008: outside the folder, short, unreadable", async () => {
    expect(await load({ location: "../w.bin" })).toMatchInlineSnapshot(`
      "m.onnx: FE2008: external data of "w": the location "../w.bin" leaves the model's folder
        help: keep the data file beside the model
      "
    `);
    expect(await load({ location: "w.bin", offset: "62" })).toMatchInlineSnapshot(`
      "m.onnx: FE2008: external data of "w": "w.bin" holds 2 of the 4 bytes from offset 62
        help: keep the data file beside the model
      "
    `);
    expect(await load({ location: "w.bin", length: "5" })).toContain(
      'the length "5" differs from the 4 bytes of [4] uint8',
    );
    expect(await load({ location: "w.bin", offset: "-1" })).toContain('the offset "-1" is not a byte position');
    expect(await load({ location: "absent.bin" })).toContain('"absent.bin" cannot be read: no such file');
    expect(await load({ location: "w.bin", extra: "1" })).toContain('the entry "extra" is not known');
    expect(await load({ location: "w.bin" }, false)).toContain("no reader for such files was given");
  });

  it("confines paths to the model's folder", () => {
    for (const bad of [
      "",
      "/etc/passwd",
      "..",
      "../x",
      "a/../../x",
      "a/..",
      "C:\\x",
      "c:x",
      "a\\b",
      "\\\\host\\x",
      "x\0y",
    ])
      expect(locationProblem(bad), bad).toBeDefined();
    for (const good of ["w.bin", "./w.bin", "a/b.bin", "..w", "a..b/c"])
      expect(locationProblem(good), good).toBeUndefined();
  });
});
