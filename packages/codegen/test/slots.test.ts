import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { iteratorKey, Slots } from "../src/slots.js";

/** A program: regions, each with its number of tiles; a region is nests, a nest the keys it needs at a time. */
const programs = fc.array(
  fc.record({
    tiles: fc.integer({ min: 1, max: 3 }),
    nests: fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 11 }), { maxLength: 3 }), { maxLength: 6 }),
  }),
  { maxLength: 6 },
);

describe("slots", () => {
  it("hold at every use, in every tile, what the use wants", () => {
    const property = fc.property(programs, fc.integer({ min: 0, max: 3 }), (regions, mostHeld) => {
      const slots = new Slots(6, mostHeld);
      const registers: (string | undefined)[] = [];
      for (const { tiles, nests } of regions) {
        slots.beginRegion();
        const steps = nests.flatMap((keys) => {
          slots.beginNest();
          return keys.map((k) => ({ key: `${k}`, free: slots.has(`${k}`), ...slots.take(`${k}`) }));
        });
        for (let tile = 0; tile < tiles; tile++)
          for (const { key, free, slot, fresh } of steps) {
            if (fresh) registers[slot] = key;
            if (registers[slot] !== key || free === fresh) return false;
          }
      }
      return true;
    });
    fc.assert(property, { seed: 1, numRuns: 2000 });
  });

  it("serve any base where only the stride counts", () => {
    const slots = new Slots(4, 2);
    slots.beginRegion();
    const walk = slots.take(iteratorKey(7, 3));
    expect(slots.take(iteratorKey(undefined, 3))).toEqual({ slot: walk.slot, fresh: false });
    expect(slots.take(iteratorKey(undefined, 13)).fresh).toBe(true);
    expect(slots.take(iteratorKey(7, 13)).fresh).toBe(true);
  });

  it("keep values from block to block", () => {
    const slots = new Slots(4, 2);
    slots.beginRegion();
    expect(["a", "b", "c"].map((k) => slots.take(k).fresh)).toEqual([true, true, true]);
    slots.beginRegion();
    // The third would be held as well; two is the most.
    expect(["a", "b", "c"].map((k) => slots.take(k).fresh)).toEqual([false, false, true]);
    expect(slots.fits(new Set(["x", "y"]))).toBe(true);
    expect(slots.fits(new Set(["x", "y", "z"]))).toBe(false);
  });
});
