import {
  type Data,
  evaluate,
  GraphBuilder,
  type MinifloatFields,
  type MinifloatRounding,
  minifloatOf,
  packMinifloat,
} from "@accelc/ir";
import { describe, expect, it } from "vitest";
import { quantize } from "../src/index.js";

const FORMATS: Readonly<Record<string, MinifloatFields>> = {
  float8e4m3fn: { exponent: 4, mantissa: 3, bias: 7, special: "fn" },
  float8e4m3fnuz: { exponent: 4, mantissa: 3, bias: 8, special: "fnuz" },
  float8e5m2: { exponent: 5, mantissa: 2, bias: 15, special: "ieee" },
  float8e5m2fnuz: { exponent: 5, mantissa: 2, bias: 16, special: "fnuz" },
  float4e2m1: { exponent: 2, mantissa: 1, bias: 1, special: "none" },
  float8e8m0: { exponent: 8, mantissa: 0, bias: 127, special: "scale" },
};
const ROUNDINGS: readonly MinifloatRounding[] = [
  { saturate: true, round_mode: "up" },
  { saturate: false, round_mode: "down" },
  { saturate: false, round_mode: "nearest" },
];

/** Every upper half of a word, with the lower halves at which roundings turn. */
function words(): Float32Array {
  const out: number[] = [];
  for (let high = 0; high < 2 ** 16; high++) for (const low of [0, 1, 0xffff]) out.push(high * 2 ** 16 + low);
  return new Float32Array(Uint32Array.from(out).buffer);
}

describe("conversion of words to narrow floats", () => {
  const x = words();
  it.each(Object.keys(FORMATS))("%s", (name) => {
    for (const rounding of ROUNDINGS) {
      const b = new GraphBuilder("g");
      const id = b.input({ name: "x", elementType: "float32" }, { dtype: "float32", shape: [x.length] });
      const a = packMinifloat(FORMATS[name]!, rounding);
      const y = b.add("unary", [id], { fn: "minifloat", a, b: 0 }, { model: "m", node: "n", op: "Cast" });
      b.output({ name: "y", value: y, elementType: "float32" });
      const g = quantize(b.finish(), { ranges: new Map() }, { precision: "int8", weights: "max" });
      const inputs = new Map<string, Data>([[g.inputs[0]!.value, new Int32Array(x.buffer)]]);
      const got = new Float32Array((evaluate(g, inputs).get(g.outputs[0]!.value) as Int32Array).slice().buffer);
      const want = x.map((v) => minifloatOf(v, { ...FORMATS[name]!, ...rounding }));
      const wrong = want.findIndex((v, i) => !Object.is(v, got[i]));
      expect(wrong < 0 ? "" : `${x[wrong]} gives ${got[wrong]}, not ${want[wrong]}`).toBe("");
    }
  });
});
