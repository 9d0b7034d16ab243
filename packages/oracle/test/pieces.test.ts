import { buildModel, decodeModel, encodeModel, type ModelText, type NewNode } from "@accelc/frontend";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createOracle, type OracleTensor, openPieces } from "../src/index.js";

const SIDE = 20;

/** Numbers without a pattern, in [−1, 1). */
const noise = (n: number, seed: number): number[] =>
  Array.from({ length: n }, (_, i) => {
    const x = Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453;
    return 2 * (x - Math.floor(x)) - 1;
  });

/** Layers over values of one shape, each reading one or two earlier values, weights in initializers and in Constant nodes. */
function modelOf(steps: readonly (readonly [kind: number, a: number, b: number])[]): ModelText {
  const weights = (name: string, seed: number) => ({ name, shape: [SIDE, SIDE], data: noise(SIDE * SIDE, seed) });
  const nodes = steps.flatMap(([kind, a, b], i): NewNode[] => {
    const [x, z] = [a, b].map((at) => (at % (i + 1) === 0 ? "x" : `v${at % (i + 1)}`)) as [string, string];
    const out = `v${i + 1}`;
    if (kind === 0) return [{ op: "Add", inputs: [x, z], outputs: [out] }];
    if (kind === 1) return [{ op: "MatMul", inputs: [x, `w${b % 3}`], outputs: [out] }];
    if (kind === 2)
      return [
        { op: "Shape", inputs: [x], outputs: [`s${i}`] },
        { op: "Reshape", inputs: [z, `s${i}`], outputs: [out] },
      ];
    const { name: _, ...t } = weights("", i + 10);
    return [
      { op: "Constant", inputs: [], outputs: [`c${i}`], attributes: { value: { t } } },
      { op: "Gemm", inputs: [x, `c${i}`], outputs: [`g${i}`] },
      { op: "Tanh", inputs: [`g${i}`], outputs: [out] },
    ];
  });
  return {
    inputs: [{ name: "x", shape: [1, SIDE] }],
    outputs: [{ name: `v${steps.length}`, shape: [1, SIDE] }],
    initializers: [0, 1, 2].map((i) => weights(`w${i}`, i)),
    nodes,
  };
}

const feeds = [1, 2, 3].map((seed) => ({
  x: { type: "float32" as const, shape: [1, SIDE], data: Float32Array.from(noise(SIDE, 100 + seed)) },
}));

describe("openPieces", () => {
  it("gives what the whole model gives, to the bit, wherever the model is cut (seed 41)", async () => {
    const step = fc.tuple(fc.nat(3), fc.nat(9), fc.nat(9));
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 10 }),
      fc.constantFrom(1, 100, 200),
      async (steps, most) => {
        const model = decodeModel(encodeModel(buildModel(modelOf(steps))));
        const names = ["x", ...steps.map((_, i) => `v${i + 1}`)];
        const pieces = (await openPieces(model, { tensors: new Map(names.map((n) => [n, 4 * SIDE])), most }))!;
        const found = feeds.map((): Map<string, OracleTensor> => new Map());
        for await (const { sample, values } of pieces.run(feeds))
          for (const [name, t] of values) {
            expect(found[sample]!.has(name)).toBe(false);
            found[sample]!.set(name, t);
          }
        const oracle = await createOracle(model, { tensors: names });
        for (const [i, feed] of feeds.entries()) {
          const whole = new Map<string, OracleTensor>([...Object.entries(feed), ...(await oracle.run(feed))]);
          expect([...found[i]!.keys()].sort()).toEqual([...whole.keys()].sort());
          for (const [name, t] of whole) expect(found[i]!.get(name)).toEqual(t);
        }
        await oracle.release();
      },
    );
    await fc.assert(property, { seed: 41, numRuns: 25 });
  });

  it("leaves a small model in one piece", async () => {
    const model = decodeModel(encodeModel(buildModel(modelOf([[1, 0, 0]]))));
    expect(await openPieces(model, { tensors: new Map([["v1", 4]]) })).toBeUndefined();
  });
});
