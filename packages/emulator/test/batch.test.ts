import { NS, writeElf } from "@accelc/isa";
import { describe, expect, it } from "vitest";
import {
  batchResult,
  createBatch,
  createImage,
  EmulatorError,
  type Image,
  jobOf,
  loadImage,
  type Program,
  runJob,
  Trap,
  type Work,
} from "../src/index.js";
import { BSS, blocks, dae, objectOf, place, RODATA, randoms, simd, type Words } from "./build.js";

const OUT = BSS + 0x100;
const SAMPLES = 9;
const ROWS = 16;

/** y[i] = row x[i] of a table of constants; an index outside traps. */
const gather = (): Words => {
  const index: Words = [
    { op: "ld_index", ns: NS.VMEM1, loop: 3, imm: 0 },
    { op: "ld_index_count", ns: NS.VMEM1, imm: ROWS },
  ];
  return blocks([
    simd(
      dae("ld", "VMEM2", { address: BSS, bits: 32, bytes: 32 }),
      dae("ld", "VMEM1", { address: RODATA, bits: 8, bytes: 8, tile: [[3, 4, 8]], pad: index }),
      dae("st", "VMEM1", { address: OUT, bits: 8, bytes: 32 }),
    ),
  ]);
};

const table = Uint8Array.from({ length: 8 * ROWS }, (_, i) => i);
const elf = writeElf(
  objectOf({
    words: gather(),
    rodata: table,
    inputs: [place("x", "int32", [1, 8], BSS, 32)],
    outputs: [place("y", "int8", [1, 32], OUT, 8)],
  }),
);

function imageOf(bytes: Uint8Array): Image {
  const image = createImage(bytes.length);
  if (image === undefined) throw new Error("this host has shared memory");
  image.bytes.set(bytes);
  return image;
}

const inputs = (bad: readonly number[] = []) => {
  const r = randoms(7);
  const data = Int32Array.from({ length: 8 * SAMPLES }, () => r(0, ROWS - 1));
  for (const sample of bad) data[8 * sample + 2] = ROWS + sample;
  return { x: { type: "int32", shape: [SAMPLES, 8], data } };
};

const errorOf = (act: () => unknown): EmulatorError => {
  try {
    act();
  } catch (e) {
    if (e instanceof EmulatorError) return e;
    throw e;
  }
  throw new Error("it did not fail");
};

/** What two threads do, one of which has the batch only as a message: they claim samples in turn. */
function shared(program: Program, bad: readonly number[], lastFirst = false) {
  const batch = createBatch(program.object.io, inputs(bad), { shared: true, lastFirst });
  const job = jobOf(program, batch);
  if (job === undefined) throw new Error("the program is in an image");
  let other: Work | undefined;
  const own = program.session().work(batch, {
    onBlockEnd: (_, __, sample) => {
      if (sample === (lastFirst ? SAMPLES - 1 : 1) || (bad.includes(1) && sample === 0))
        other ??= runJob(structuredClone(job));
    },
  });
  return { works: [own, ...(other === undefined ? [] : [structuredClone(other)])], batch, own, other };
}

describe("a batch", () => {
  const program = loadImage(imageOf(elf));
  const alone = program.session().run(inputs());

  it("gives in an image what it gives elsewhere, weights where they were read to", () => {
    const { rodata } = program.object;
    expect(rodata.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect([...alone.outputs.y.data.slice(0, 8)]).toEqual([...table.slice(8 * Number(inputs().x.data[0]))].slice(0, 8));
    const again = program.session().run(inputs(), { engine: "reference" });
    expect(again.outputs).toEqual(alone.outputs);
  });

  it.each([false, true])("is the same by several sessions, last first %s", (lastFirst) => {
    const { works, batch, own, other } = shared(program, [], lastFirst);
    expect(own.ran).toBeGreaterThan(0);
    expect(other?.ran).toBeGreaterThan(0);
    expect(own.ran + (other?.ran ?? 0)).toBe(SAMPLES);
    const result = batchResult(batch, works);
    expect(result.samples).toBe(SAMPLES);
    expect([...result.outputs.y.data]).toEqual([...alone.outputs.y.data]);
    expect(result.stats).toEqual(alone.stats);
    if (lastFirst) expect(own.stats).toBeDefined();
  });

  it.each([[[3, 6]], [[8, 4]], [[8]], [[1, 2]]])("fails as one session does, samples %s", (bad) => {
    const want = errorOf(() => program.session().run(inputs(bad)));
    expect(want).toBeInstanceOf(Trap);
    expect(want.message).toContain(`index ${ROWS + Math.min(...bad)}`);
    for (const lastFirst of [false, true]) {
      const { works, batch } = shared(program, bad, lastFirst);
      const got = errorOf(() => batchResult(batch, works.toReversed()));
      expect({ ...got, message: got.message }).toEqual({ ...want, message: want.message });
    }
  });

  it("cannot be posted without an image", () => {
    const plain = loadImage(imageOf(elf));
    expect(jobOf({ ...plain, memory: undefined }, createBatch(plain.object.io, inputs()))).toBeUndefined();
  });
});
