import { type Data, GraphBuilder } from "@accelc/ir";
import { machinePreset } from "@accelc/machine";
import { expect, it } from "vitest";
import { mergeActivations, runPasses } from "../src/index.js";
import { floatValues } from "./float-reference.js";

const ctx = { machine: machinePreset("tandem-32x32") };
const INF = Number.POSITIVE_INFINITY;
const BOUNDS = [-INF, -2, 0, 1, 3, INF];
const POINTS = Float32Array.of(-3, -2, -1, 0, 0.5, 1, 2, 3, 4);

it("any two clips are one", () => {
  const at = { model: "m", node: "n", op: "Clip" };
  const pairs = BOUNDS.flatMap((min) => BOUNDS.map((max) => ({ min, max })));
  for (const first of pairs)
    for (const second of pairs) {
      const b = new GraphBuilder("g");
      const x = b.input({ name: "x", elementType: "float32" }, { dtype: "float32", shape: [POINTS.length] });
      const value = b.add("clip", [b.add("clip", [x], first, at)], second, at);
      b.output({ name: "y", value, elementType: "float32" });
      const g = b.finish();
      const after = runPasses(g, [mergeActivations], ctx);
      const y = (h: typeof g) => floatValues(h, new Map<string, Data>([["x", POINTS]])).get(h.outputs[0]!.value);
      expect(after.nodes.length).toBe(1);
      expect(y(after), JSON.stringify({ first, second })).toEqual(y(g));
    }
});
