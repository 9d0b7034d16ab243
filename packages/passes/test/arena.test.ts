import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Item, mostLive, planArena } from "../src/blocks/arena.js";

const items = fc
  .array(
    fc.record({
      bytes: fc.integer({ min: 0, max: 20 }),
      from: fc.integer({ min: -1, max: 20 }),
      blocks: fc.integer({ min: 0, max: 8 }),
    }),
    { maxLength: 40 },
  )
  .map((list) =>
    list.map(({ bytes, from, blocks }, id): Item => ({ id, bytes: 64 * bytes, live: [from, from + blocks] })),
  );

describe("arena", () => {
  it("keeps apart what is in use at the same time, and is never below its bound", () => {
    let met = 0;
    const property = fc.property(items, (list) => {
      const { at, bytes, lowerBound } = planArena(list);
      const most = Math.max(
        0,
        ...Array.from({ length: 32 }, (_, t) =>
          list.filter((x) => x.live[0] <= t - 1 && t - 1 <= x.live[1]).reduce((n, x) => n + x.bytes, 0),
        ),
      );
      expect([lowerBound, mostLive(list)]).toEqual([most, most]);
      expect(bytes).toBeGreaterThanOrEqual(lowerBound);
      if (bytes === lowerBound) met++;
      for (const a of list) {
        expect(at.get(a.id)! + a.bytes).toBeLessThanOrEqual(bytes);
        for (const b of list) {
          if (a.id >= b.id || a.live[0] > b.live[1] || b.live[0] > a.live[1]) continue;
          const [x, y] = [at.get(a.id)!, at.get(b.id)!];
          expect(x + a.bytes <= y || y + b.bytes <= x).toBe(true);
        }
      }
    });
    fc.assert(property, { seed: 1, numRuns: 500 });
    expect(met).toBeGreaterThan(350);
  });

  it("finds what largest first misses", () => {
    // Largest first puts 3 above both neighbours in time of 1 and 2.
    const list: Item[] = [
      { id: 0, bytes: 256, live: [0, 1] },
      { id: 1, bytes: 192, live: [1, 2] },
      { id: 2, bytes: 256, live: [2, 3] },
      { id: 3, bytes: 128, live: [0, 0] },
      { id: 4, bytes: 128, live: [3, 3] },
    ];
    expect(planArena(list)).toMatchObject({ bytes: 448, lowerBound: 448 });
  });

  it("is the same twice", () => {
    const list = Array.from(
      { length: 60 },
      (_, id): Item => ({ id, bytes: 64 * (1 + ((id * 37) % 23)), live: [id % 17, (id % 17) + (id % 5)] }),
    );
    expect(planArena(list)).toEqual(planArena(list));
    expect(planArena([])).toMatchObject({ bytes: 0, lowerBound: 0 });
  });
});
