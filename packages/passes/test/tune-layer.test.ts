import { elements, type NodeOf, strides } from "@accelc/ir";
import { expect, it } from "vitest";
import { RangeCollector } from "../src/index.js";
import {
  fromRows,
  gathering,
  layerShape,
  MomentCollector,
  PowerCollector,
  toRows,
  tuneLayer,
} from "../src/tune/index.js";
import { cheapestRange, rounder } from "../src/tune/ranges.js";
import { random } from "./quantize-support.js";

const next = random(20261122);
const LOC = { model: "m", node: "n", op: "Conv" };
const draw = (n: number) => Float32Array.from({ length: n }, next);

const conv: NodeOf<"conv"> = {
  op: "conv",
  inputs: ["x", "w"],
  outputs: ["y"],
  attrs: { strides: [2, 1], dilations: [1, 2], pads: [1, 0, 1, 2], groups: 2, fill: 0 },
  loc: LOC,
};

it("input vectors times rows of weights are the layer's results", () => {
  const [xs, ws, ys] = [
    [2, 4, 7, 6],
    [6, 2, 3, 2],
    [2, 6, 4, 6],
  ] as const;
  const [x, w] = [draw(elements(xs)), draw(elements(ws))];
  const shape = layerShape(conv, ws);
  expect(shape).toEqual({ groups: 2, rows: 3, inputs: 12 });
  const rows = toRows(conv, shape, w);
  const { positions, gather } = gathering(conv, xs, ws, ys);
  expect(positions).toBe(2 * 4 * 6);
  const vector = new Float64Array(shape.inputs);
  const [sx, sy] = [strides(xs), strides(ys)];
  for (let p = 0; p < positions; p++)
    for (let g = 0; g < 2; g++) {
      gather(x, g, p, vector);
      const [n, oh, ow] = [Math.floor(p / 24), Math.floor((p % 24) / 6), p % 6];
      for (let r = 0; r < 3; r++) {
        let want = 0;
        for (let c = 0; c < 2; c++)
          for (let kh = 0; kh < 3; kh++)
            for (let kw = 0; kw < 2; kw++) {
              const [h, v] = [2 * oh + kh - 1, ow + 2 * kw];
              if (h < 0 || h >= 7 || v < 0 || v >= 6) continue;
              const at = n * sx[0]! + (2 * g + c) * sx[1]! + h * sx[2]! + v;
              want += x[at]! * w[(((3 * g + r) * 2 + c) * 3 + kh) * 2 + kw]!;
            }
        let got = 0;
        for (let i = 0; i < 12; i++) got += vector[i]! * rows[(3 * g + r) * 12 + i]!;
        expect(got).toBeCloseTo(want, 5);
      }
      expect(sy[0]).toBe(6 * 24);
    }
});

it("rows of a matrix go back and forth", () => {
  const matmul: NodeOf<"matmul"> = { op: "matmul", inputs: ["x", "w"], outputs: ["y"], attrs: {}, loc: LOC };
  const shape = layerShape(matmul, [5, 3]);
  const w = Int8Array.from({ length: 15 }, (_, i) => i);
  expect([...fromRows(matmul, shape, toRows(matmul, shape, w))]).toEqual([...w]);
});

it("a tuned layer is nearer to its float results, on samples it has not seen too", () => {
  const [rows, inputs, top] = [8, 24, 7];
  const w = Float64Array.from({ length: rows * inputs }, next);
  const mixing = Float64Array.from({ length: inputs * 6 }, next);
  const sample = () => {
    const z = Array.from({ length: 6 }, next);
    const x = Float64Array.from({ length: inputs }, (_, i) =>
      Math.max(0, z.reduce((s, v, k) => s + v * mixing[i * 6 + k]!, 0) + 0.1 * next()),
    );
    return { x, stored: x.map((v) => 0.15 * Math.min(15, Math.round(v / 0.15))) };
  };
  const greatest = (r: number) =>
    w.subarray(r * inputs, (r + 1) * inputs).reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const nearest = Float64Array.from(w, (v, i) => {
    const s = greatest(Math.floor(i / inputs)) / top;
    return s * Math.round(v / s);
  });
  const collector = new MomentCollector(inputs);
  const power = new PowerCollector(w, inputs);
  for (let i = 0; i < 500; i++) {
    const { x, stored } = sample();
    collector.add(x, stored);
    power.add(x);
  }
  const t = tuneLayer(w, { groups: 1, rows, inputs }, [collector], power.power(), nearest, top);
  expect(Math.max(...t.codes.map(Math.abs))).toBeLessThanOrEqual(top);
  expect(t.after).toBeLessThan(0.7 * t.before);
  let [before, after] = [0, 0];
  for (let i = 0; i < 500; i++) {
    const { x, stored } = sample();
    for (let r = 0; r < rows; r++) {
      let [y, old, tuned] = [0, 0, t.shift[r]!];
      for (let k = 0; k < inputs; k++) {
        y += w[r * inputs + k]! * x[k]!;
        old += nearest[r * inputs + k]! * stored[k]!;
        tuned += t.codes[r * inputs + k]! * t.scale[r]! * stored[k]!;
      }
      before += (y - old) ** 2;
      after += (y - tuned) ** 2;
    }
  }
  expect(after).toBeLessThan(0.75 * before);
});

it("the range that costs the reader least clips what the reader ignores", () => {
  const values = Float32Array.from({ length: 4000 }, (_, i) => (i % 400 === 0 ? 20 : Math.abs(next())));
  const c = new RangeCollector();
  c.add(values);
  const codes = { bits: 4, symmetric: false };
  const vectors = Array.from({ length: 400 }, (_, i) => values.subarray(10 * i, 10 * i + 10));
  const deaf = Float64Array.from({ length: 10 }, (_, i) => (i === 0 ? 0 : 1));
  const all = Float64Array.from({ length: 10 }, () => 1);
  const clipped = cheapestRange(c.statistics()!, codes, [{ w: deaf, vectors, inputs: 10 }]);
  const whole = cheapestRange(c.statistics()!, codes, [
    { w: all.map((v, i) => (i === 0 ? 1000 : v)), vectors, inputs: 10 },
  ]);
  // The outliers are a part of all values too, so that they are not clipped as far as the reader would like.
  expect(clipped!.max).toBeLessThan(19);
  expect(whole).toBeUndefined();
  expect(rounder({ min: 0, max: 20 }, codes)(20)).toBeCloseTo(20, 10);
});
