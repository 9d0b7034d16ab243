import { describe, expect, it } from "vitest";
import {
  asLanes,
  innermost,
  type Layout,
  laneLayout,
  physicalDims,
  reshapedView,
  slicedView,
  transposedView,
  type View,
} from "../src/index.js";

const LANES = 8;
const SEED = 11;

function random(seed: number): () => number {
  let s = seed;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

/** The place of every element in storage, in row-major order of the shape. */
function places({ shape, layout, offset }: View): number[] {
  const dims = physicalDims(shape, layout, LANES);
  const count = shape.reduce((a, b) => a * b, 1);
  return Array.from({ length: count }, (_, n) => {
    const index: number[] = [];
    let rest = n;
    for (const extent of [...shape].reverse()) {
      index.unshift(rest % extent);
      rest = Math.floor(rest / extent);
    }
    return dims.reduce((sum, d) => sum + (Math.floor((index[d.axis] ?? 0) / d.div) % d.extent) * d.stride, offset);
  });
}

const strides = (shape: readonly number[]): number[] =>
  shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));

/** `values`, of shape `from`, read at index `at(index)` for every index of `shape`. */
function gathered(
  values: readonly number[],
  from: readonly number[],
  shape: readonly number[],
  at: (index: readonly number[]) => readonly number[],
): number[] {
  const [own, source] = [strides(shape), strides(from)];
  return Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => {
    const index = shape.map((extent, i) => Math.floor(n / own[i]!) % extent);
    return values[at(index).reduce((sum, x, i) => sum + x * source[i]!, 0)]!;
  });
}

describe("views", () => {
  it("elements stay where they are through transpositions, slices and reshapes", () => {
    const next = random(SEED);
    const int = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
    const seen = { transpose: 0, slice: 0, reshape: 0, none: 0 };
    for (let round = 0; round < 400; round++) {
      const rank = int(1, 4);
      const shape = Array.from({ length: rank }, () => [1, 2, 3, 8, 16, 12, 24][int(0, 6)]!);
      const lane = int(0, rank - 1);
      const axis = int(0, rank - 1);
      const layout: Layout =
        axis === lane || next() < 0.4
          ? laneLayout(lane)
          : innermost(shape, lane, axis, shape[axis]! + int(0, 3), LANES).layout;
      let view: View = { shape, layout, offset: 0 };
      let expected = places(view);
      for (let step = 0; step < 4; step++) {
        const { shape: from } = view;
        const kind = (["transpose", "slice", "reshape"] as const)[int(0, 2)]!;
        let after: View | undefined;
        let moved = expected;
        if (kind === "transpose") {
          const perm = from.map((_, i) => i).sort(() => next() - 0.5);
          after = transposedView(view, perm, LANES);
          const to = perm.map((p) => from[p]!);
          moved = gathered(expected, from, to, (index) => from.map((_, i) => index[perm.indexOf(i)]!));
        } else if (kind === "slice") {
          const starts = from.map((n) => (next() < 0.5 ? 0 : int(0, n - 1)));
          const steps = from.map(() => (next() < 0.7 ? 1 : 2));
          const to = from.map((n, i) => int(1, Math.floor((n - 1 - starts[i]!) / steps[i]!) + 1));
          after = slicedView(view, to, starts, steps, LANES);
          moved = gathered(expected, from, to, (index) => index.map((x, i) => starts[i]! + x * steps[i]!));
        } else {
          let rest = from.reduce((a, b) => a * b, 1);
          const to: number[] = [];
          for (let i = int(0, 3); i > 0; i--) {
            const divisors = Array.from({ length: rest }, (_, k) => k + 1).filter((k) => rest % k === 0);
            to.push(divisors[int(0, divisors.length - 1)]!);
            rest /= to.at(-1)!;
          }
          after = reshapedView(view, [...to, rest], LANES);
        }
        if (!after) {
          seen.none++;
          continue;
        }
        seen[kind]++;
        expect(places(after), `seed ${SEED}, round ${round}: ${kind} of ${JSON.stringify(view)}`).toEqual(moved);
        [view, expected] = [after, moved];
      }
    }
    for (const n of Object.values(seen)) expect(n).toBeGreaterThan(50);
  });

  it("heads of a projection, and their transpose, lie in its rows", () => {
    const tokens: View = { shape: [1, 16, 48], layout: laneLayout(2), offset: 0 };
    const heads = transposedView(reshapedView(tokens, [1, 16, 3, 16], LANES)!, [0, 2, 1, 3], LANES);
    expect(heads).toEqual({ shape: [1, 3, 16, 16], layout: { lane: 3, factor: 1, steps: [0, 16, 48, 8] }, offset: 0 });
    const turned: View = { ...tokens, layout: laneLayout(1) };
    const keys = transposedView(reshapedView(turned, [1, 16, 3, 16], LANES)!, [0, 2, 3, 1], LANES);
    expect(keys).toEqual({ shape: [1, 3, 16, 16], layout: { lane: 3, factor: 1, steps: [0, 128, 8, 384] }, offset: 0 });
  });

  it("lanes are not cut inside a block, nor merged with what follows them", () => {
    const v: View = { shape: [2, 16, 3], layout: laneLayout(1), offset: 0 };
    expect(slicedView(v, [2, 8, 3], [0, 4, 0], [1, 1, 1], LANES)).toBeUndefined();
    expect(reshapedView(v, [2, 48], LANES)).toBeUndefined();
    expect(reshapedView(v, [2, 4, 4, 3], LANES)).toBeUndefined();
    expect(asLanes(v, 2, 1, LANES)).toBeUndefined();
  });
});
