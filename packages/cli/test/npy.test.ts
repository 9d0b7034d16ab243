import { type DType, elements } from "@accelc/ir";
import fc from "fast-check";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { decodeNpy, encodeNpy } from "../src/tensor/npy.js";
import { decodeNpz } from "../src/tensor/npz.js";

const latin1 = (s: string): Uint8Array => Uint8Array.from(s, (c) => c.charCodeAt(0));

/** A .npy file put together by hand: version, header text, body. */
function npy(version: 1 | 2 | 3, dict: string, body: Uint8Array): Uint8Array {
  const head = latin1(`${dict}\n`);
  const size = version === 1 ? [head.length & 255, head.length >> 8] : [head.length & 255, head.length >> 8, 0, 0];
  return Uint8Array.from([0x93, ...latin1("NUMPY"), version, 0, ...size, ...head, ...body]);
}

const dict = (descr: string, shape: string, order = "False"): string =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${shape}), }`;

const bytesOf = (a: { buffer: ArrayBufferLike }): Uint8Array => new Uint8Array(a.buffer);

describe("decodeNpy", () => {
  it.each([1, 2, 3] as const)("reads version %i", (version) => {
    const t = decodeNpy(npy(version, dict("<i2", "2, 2"), bytesOf(Int16Array.of(1, -2, 3, -4))));
    expect(t).toEqual({ type: "int16", shape: [2, 2], data: Int16Array.of(1, -2, 3, -4) });
  });

  it("reads every byte order", () => {
    expect(decodeNpy(npy(1, dict(">i4", "1,"), Uint8Array.of(0, 0, 1, 2))).data).toEqual(Int32Array.of(258));
    expect(decodeNpy(npy(1, dict("=i4", "1,"), Uint8Array.of(2, 1, 0, 0))).data).toEqual(Int32Array.of(258));
    expect(decodeNpy(npy(1, dict(">f4", ""), Uint8Array.of(0x3f, 0x80, 0, 0)))).toEqual({
      type: "float32",
      shape: [],
      data: Float32Array.of(1),
    });
  });

  it("turns column-major into row-major", () => {
    const t = decodeNpy(npy(1, dict("|u1", "2, 3", "True"), Uint8Array.of(1, 4, 2, 5, 3, 6)));
    expect(t).toEqual({ type: "uint8", shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) });
  });

  it("reads half precision, truth values and 64-bit integers without loss", () => {
    expect(decodeNpy(npy(1, dict("<f2", "3,"), bytesOf(Uint16Array.of(0x3c00, 0x0001, 0xfc00)))).data).toEqual(
      Float32Array.of(1, 2 ** -24, Number.NEGATIVE_INFINITY),
    );
    expect(decodeNpy(npy(1, dict("|b1", "3,"), Uint8Array.of(0, 1, 7))).data).toEqual(Uint8Array.of(0, 1, 1));
    const wide = BigInt64Array.of(2n ** 62n + 1n, -1n);
    expect(decodeNpy(npy(1, dict("<i8", "2,"), bytesOf(wide))).data).toEqual(wide);
  });

  it.each([
    ["signature", Uint8Array.of(1, 2, 3), "it does not begin with the .npy signature"],
    ["cut header", npy(1, dict("<f4", "1,"), Uint8Array.of()).slice(0, 20), "the header is cut short"],
    ["version", Uint8Array.of(0x93, ...latin1("NUMPY"), 9, 0, 0, 0), "version 9 of the format is unknown"],
    ["strings", npy(1, dict("<U5", "1,"), new Uint8Array(20)), "element type <U5 is not a number or truth value"],
    [
      "short",
      npy(1, dict("<f4", "2, 3"), new Uint8Array(20)),
      "shape (2, 3) of float32 needs 24 bytes, the file holds 20",
    ],
    [
      "huge",
      npy(1, dict("<f4", "9999999999, 9999999999"), new Uint8Array(4)),
      "shape (9999999999, 9999999999) of float32 needs",
    ],
    [
      "records",
      npy(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", new Uint8Array(4)),
      "structured arrays are not tensors",
    ],
    ["negative", npy(1, dict("<f4", "-1,"), new Uint8Array(4)), "shape (-1,) is malformed"],
  ])("refuses %s", (_, bytes, reason) => {
    expect(() => decodeNpy(bytes)).toThrow(reason);
  });
});

describe("encodeNpy", () => {
  it("aligns the data and can be read back", () => {
    const types: DType[] = ["float32", "float64", "int8", "int16", "int32", "uint8", "uint16", "uint32", "bool"];
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 }),
        (type, shape) => {
          const n = elements(shape);
          const values = Array.from({ length: n }, (_, i) => (type === "bool" ? i % 2 : i % 100));
          const make = {
            float32: Float32Array,
            float64: Float64Array,
            int8: Int8Array,
            int16: Int16Array,
            int32: Int32Array,
            uint8: Uint8Array,
            uint16: Uint16Array,
            uint32: Uint32Array,
            bool: Uint8Array,
          }[type as "int8"];
          const t = { type, shape, data: make.from(values) };
          const bytes = encodeNpy(t);
          expect((bytes.length - t.data.byteLength) % 64).toBe(0);
          expect(decodeNpy(bytes)).toEqual(t);
        },
      ),
      { seed: 11 },
    );
  });

  it("writes what numpy writes", () => {
    const text = new TextDecoder("latin1").decode(
      encodeNpy({ type: "int64", shape: [2], data: BigInt64Array.of(1n, 2n) }),
    );
    expect(text.slice(10, 70)).toBe("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }   ");
  });

  it("rounds half precision to nearest even", () => {
    const t = { type: "float16" as const, shape: [2], data: Float32Array.of(1 + 2 ** -11, 65504) };
    expect(decodeNpy(encodeNpy(t)).data).toEqual(Float32Array.of(1, 65504));
  });
});

describe("decodeNpz", () => {
  const a = encodeNpy({ type: "int8", shape: [2], data: Int8Array.of(1, 2) });
  const b = encodeNpy({ type: "float32", shape: [], data: Float32Array.of(3) });

  it.each([0, 6] as const)("reads archives at compression level %i", (level) => {
    const found = decodeNpz(zipSync({ "a.npy": a, "b.npy": b, "note.txt": Uint8Array.of(1) }, { level }));
    expect([...found.keys()]).toEqual(["a", "b"]);
    expect(found.get("a")?.data).toEqual(Int8Array.of(1, 2));
  });

  it("refuses damaged archives and bad members", () => {
    const zip = zipSync({ "a.npy": a });
    expect(() => decodeNpz(zip.slice(0, 30))).toThrow("the archive cannot be read");
    expect(() => decodeNpz(zipSync({ "a.npy": a.slice(0, 9) }))).toThrow("member a.npy:");
    expect(() => decodeNpz(zipSync({ "a.txt": a }))).toThrow("the archive holds no .npy member");
  });
});
