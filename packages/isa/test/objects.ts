import fc from "fast-check";
import { type AccelObject, encode, type TensorPlace } from "../src/index.js";
import { anyInst } from "./arbitrary.js";

const name = fc.oneof(
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.]{0,8}$/),
  fc.string({ minLength: 1, maxLength: 8, unit: "grapheme" }).filter((s) => !s.includes("\0")),
  fc.constantFrom('a "quoted" ; name', "back\\slash", "line\nbreak", "конв/1:0"),
);

const place: fc.Arbitrary<TensorPlace> = fc
  .record({
    name,
    elementType: fc.constantFrom("float32", "int64", "bool"),
    channels: fc.integer({ min: 1, max: 40 }),
    height: fc.integer({ min: 1, max: 9 }),
    address: fc.nat({ max: 2 ** 31 }),
    bits: fc.constantFrom(8 as const, 16 as const, 32 as const, 64 as const),
    scale: fc.double({ min: 1e-9, max: 1e3, noNaN: true }),
    zeroPoint: fc.integer({ min: -128, max: 127 }),
  })
  .map(({ channels, height, ...rest }) => {
    const element = rest.bits / 8;
    const lanes = 16;
    const row = lanes * element;
    const blocks = Math.ceil(channels / lanes);
    return {
      ...rest,
      shape: [1, channels, height],
      bytes: blocks * height * row,
      layout: [
        { axis: 1, div: lanes, extent: blocks, stride: height * row },
        { axis: 1, div: 1, extent: lanes, stride: element },
        { axis: 2, div: 1, extent: height, stride: row },
      ],
    };
  });

const word = fc.oneof({ weight: 4, arbitrary: anyInst.map(encode) }, fc.nat({ max: 2 ** 32 - 1 }));

const symbolNames = fc.uniqueArray(name, { maxLength: 5 });

/** Random objects that satisfy every invariant of object.ts. */
export const objectArb: fc.Arbitrary<AccelObject> = fc
  .record({
    machineName: name,
    machineHash: fc.stringMatching(/^[0-9a-f]{64}$/),
    words: fc.array(word, { maxLength: 40 }),
    cuts: fc.array(fc.nat({ max: 40 }), { minLength: 10, maxLength: 10 }),
    names: symbolNames,
    rodata: fc.uint8Array({ maxLength: 300 }),
    rodataAddress: fc.nat({ max: 2 ** 20 }),
    gap: fc.nat({ max: 200 }),
    bssSize: fc.oneof(fc.constant(0), fc.nat({ max: 2 ** 31 })),
    inputs: fc.array(place, { maxLength: 2 }),
    outputs: fc.array(place, { maxLength: 2 }),
    model: fc.string(),
    node: name,
  })
  .map(({ words, cuts, names, gap, inputs, outputs, model, node, ...rest }) => {
    const text = Uint32Array.from(words);
    const sorted = cuts.map((c) => Math.min(c, text.length)).sort((a, b) => a - b);
    const symbols = names.map((n, i) => ({
      name: n,
      start: sorted[2 * i]!,
      words: sorted[2 * i + 1]! - sorted[2 * i]!,
    }));
    const blocks = symbols.map((s, id) => ({ ...s, id, unit: "both" as const, nodes: [0] }));
    return {
      ...rest,
      formatVersion: 1,
      text,
      symbols,
      bssAddress: rest.rodataAddress + rest.rodata.length + gap,
      io: { inputs, outputs },
      debug: {
        model,
        nodes: [{ id: 0, name: node, op: "Conv" }],
        blocks,
        ranges: symbols.map((s) => ({ start: s.start, words: s.words, node: 0 })),
        tensors: inputs.map((p) => ({ ...p, block: -1, node: -1 })),
      },
    };
  });

export const SMALL: AccelObject = {
  formatVersion: 1,
  machineName: "tandem-4x4",
  machineHash: "0123456789abcdef".repeat(4),
  text: Uint32Array.from([0xa0000001, 0x0f000000, 0xb0000001]),
  symbols: [{ name: "block0", start: 0, words: 3 }],
  rodata: Uint8Array.from([1, 2, 3, 4, 5]),
  rodataAddress: 4096,
  bssAddress: 8192,
  bssSize: 1 << 20,
  io: {
    inputs: [
      {
        name: "x",
        elementType: "float32",
        shape: [1, 2],
        address: 8192,
        bits: 8,
        scale: 0.1,
        zeroPoint: -3,
        bytes: 4,
        layout: [{ axis: 1, div: 1, extent: 2, stride: 1 }],
      },
    ],
    outputs: [],
  },
  debug: {
    model: "m",
    nodes: [{ id: 0, name: "n", op: "Relu" }],
    blocks: [{ id: 0, name: "block0", unit: "tandem", start: 0, words: 3, nodes: [0] }],
    ranges: [{ start: 1, words: 1, node: 0 }],
    tensors: [],
  },
};
