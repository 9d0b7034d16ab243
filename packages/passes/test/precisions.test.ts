import { type Data, elements, evaluate, type Graph, prune, type ValueId, verifyGraph } from "@accelc/ir";
import { describe, expect, it } from "vitest";
import { type QuantizeOptions, quantize } from "../src/index.js";
import { randomGraph } from "./quantize-random.js";
import { calibrate, decode, encode, evaluateFloat, overflows, random, sqnr } from "./quantize-support.js";

const COUNT = Number(process.env.ACCELC_GRAPHS ?? 150);
const FIRST = Number(process.env.ACCELC_SEED ?? 1);

function samples(g: Graph, seed: number, count = 3) {
  const next = random(seed);
  return Array.from({ length: count }, () => {
    const one = (id: ValueId) => Float64Array.from({ length: elements(g.values.get(id)!.type.shape) }, next);
    return new Map(g.inputs.map((p) => [p.value, one(p.value)]));
  });
}

/** Inputs at the limits of their grids. */
function limits(q: Graph, seed: number): Map<ValueId, Data> {
  const next = random(seed);
  return new Map(
    q.inputs.map((p) => {
      const { dtype, shape, quant } = q.values.get(p.value)!.type;
      const top = dtype === "int8" ? 127 : dtype === "int16" ? 32767 : 2 ** 31 - 1;
      const [least, most] = quant?.codes ?? [-top - 1, top];
      const pick = (n: number) => Array.from({ length: n }, () => (next() < 0 ? least : most));
      const C = dtype === "int8" ? Int8Array : dtype === "int16" ? Int16Array : Int32Array;
      return [p.value, C.from(pick(elements(shape))) as Data];
    }),
  );
}

const OPTIONS: { readonly [name: string]: QuantizeOptions } = {
  int16: { precision: "int16", weights: "max" },
  int8: { precision: "int8", weights: "max" },
  int4: { precision: "int4", weights: "max" },
  "int2, learned clips": { precision: "int2", weights: "max", learnedClips: true },
  "int2 without edges": { precision: "int2", weights: "max", edges: { first: false, shortcuts: false, last: false } },
};

describe("random float graphs in every precision", () => {
  it.each(Object.entries(OPTIONS))(`%s: well formed, no sum leaves int32, on ${COUNT} graphs`, (name, options) => {
    const db: number[] = [];
    for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
      const g = prune(randomGraph(seed));
      let q: Graph;
      try {
        q = quantize(g, calibrate(g, samples(g, seed)), options);
      } catch (e) {
        console.log(`seed ${seed}: ${e}`);
        continue;
      }
      verifyGraph(q, "integer", "quantize");
      expect(overflows(q, limits(q, seed)), `seed ${seed}`).toEqual([]);
      const x = samples(g, seed)[0]!;
      const want = evaluateFloat(g, x);
      const got = evaluate(q, encode(q, x));
      g.outputs.forEach((o, i) => {
        const { value } = q.outputs[i]!;
        db.push(sqnr(want.get(o.value)!, decode(q, value, got.get(value)!)));
      });
    }
    db.sort((a, b) => a - b);
    console.log(`${name}: ${db[0]} ${db[Math.floor(db.length / 10)]} ${db[Math.floor(db.length / 2)]}`);
  });
});
