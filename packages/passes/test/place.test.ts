import { describe, expect, it } from "vitest";
import { placeVector } from "../src/blocks/place.js";
import type { DraftBuffer, DraftOp, VectorDraft } from "../src/blocks/vector-builder.js";

const loc = { model: "m.onnx", node: "n", op: "Op" };
const dim = (tile: number) => ({
  name: "d",
  extent: tile,
  tile,
  count: 1,
  before: { extent: tile, tile, step: tile },
});

/** Buffers by the dimensions they span, of 6 and of 8 rows; operations read some and write one. */
function draft(spans: readonly (readonly boolean[])[], ops: readonly (readonly [number, ...number[]])[]): VectorDraft {
  const written = new Set(ops.map(([dst]) => dst));
  const buffers = spans.map(
    (s, id): DraftBuffer => ({
      id,
      label: `b${id}`,
      form: "rows",
      stage: "before",
      spans: s,
      origin: written.has(id) ? "result" : "load",
    }),
  );
  const list = ops.map(
    ([dst, ...sources]): DraftOp => ({
      op: sources.length === 2 ? "iadd" : "iabs",
      attrs: {},
      stage: "before",
      sources: sources.map((buffer) => ({ buffer })),
      dst,
      apart: true,
      loc,
    }),
  );
  return { buffers, loads: [], ops: list, stores: [] };
}

describe("placement", () => {
  const [six, eight, one] = [
    [true, false],
    [false, true],
    [false, false],
  ];
  // 0, 2 and 4 are never needed together; 6 is there all the time.
  const v = draft(
    [six, one, six, one, six, one, eight].map((s) => s!),
    [
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 3],
      [5, 4, 6],
    ],
  );
  const t = { dims: [dim(6), dim(8)], tiles: 1 };

  it("counts rows that are needed at a time where those of all times do not fit", () => {
    const placed = placeVector(v, t, 9, 8)!;
    const of = (id: number) => placed.buffers[id]!;
    expect(new Set([0, 2, 4].map((id) => of(id).namespace)).size).toBe(1);
    expect(of(6).namespace).not.toBe(of(0).namespace);
  });

  it("keeps what is needed together apart", () => {
    const placed = placeVector(v, t, 16, 8)!;
    expect(placed.buffers[4]!.namespace).not.toBe(placed.buffers[6]!.namespace);
    expect(placeVector(v, t, 7, 8)).toBeUndefined();
  });
});
