import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { writeElf } from "@accelc/isa";
import { machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { crewOf } from "../src/fast/team.js";
import { type Code, link, moduleBytes } from "../src/fast/wasm.js";
import { createImage, createTeam, loadImage, type Program, type Team } from "../src/index.js";
import {
  BSS,
  blocks,
  objectOf,
  place,
  RODATA,
  randoms,
  saBase,
  saLd,
  saLoop,
  saReduction,
  saSt,
  saStride,
  systolic,
} from "./build.js";

const LIBRARY = new URL("../dist/index.js", import.meta.url);
const [ROWS, STEPS, OUTPUTS, TILES, TIMES] = [64, 4, 2, 6, 60];
const WEIGHTS = 1024 * OUTPUTS * STEPS * TILES;
const OUT = BSS + WEIGHTS;

/** TILES tiles, each TIMES over: OUTPUTS blocks of columns for ROWS rows of STEPS blocks of reduction elements, with weights of their own. */
const words = blocks([
  systolic(
    saLoop(0, TILES),
    saLoop(1, TIMES),
    saLoop(7, OUTPUTS),
    saLoop(8, STEPS),
    saReduction(8),
    saLoop(9, ROWS),
    saStride("RD", "WBUF", 7, STEPS),
    saStride("RD", "WBUF", 8, 1),
    saStride("RD", "IBUF", 8, ROWS),
    saStride("RD", "IBUF", 9, 1),
    saStride("WR", "OBUF", 7, ROWS),
    saStride("WR", "OBUF", 9, 1),
    saBase("WBUF", BSS),
    saStride("LD", "WBUF", 0, 1024 * OUTPUTS * STEPS),
    saLd("WBUF", 14, OUTPUTS * STEPS),
    saBase("IBUF", RODATA),
    saLd("IBUF", 15, ROWS * STEPS),
    saBase("OBUF", OUT),
    saStride("ST", "OBUF", 0, 128 * OUTPUTS * ROWS),
    saSt(18, 4 * OUTPUTS * ROWS),
  ),
]);

function image(): Program {
  const r = randoms(5);
  const elf = writeElf(
    objectOf({
      words,
      bssSize: WEIGHTS + 128 * OUTPUTS * ROWS * TILES,
      machine: machinePreset("tandem-32x32"),
      rodata: Uint8Array.from({ length: 32 * ROWS * STEPS }, () => r(0, 255)),
      inputs: [place("x", "int8", [1, WEIGHTS], BSS, 8)],
      outputs: [place("y", "int32", [1, 32 * OUTPUTS * ROWS * TILES], OUT, 32)],
    }),
  );
  const made = createImage(elf.length);
  if (made === undefined) throw new Error("this host has shared memory");
  made.bytes.set(elf);
  return loadImage(made, machinePreset("tandem-32x32"));
}

/** A thread for each helper of the team; `end` ends the team and waits for them. They never sleep, unless told how often to look before. */
function helpers(team: Team, looks = Number.POSITIVE_INFINITY): { readonly end: () => Promise<void> } {
  const code = `const { workerData } = require("node:worker_threads");
    import(${JSON.stringify(LIBRARY.href)}).then(({ helpTeam }) => helpTeam(workerData));`;
  const threads = team.jobs.map((job) => new Worker(code, { eval: true, workerData: { ...job, looks } }));
  const ends = threads.map((t) => new Promise((done) => t.once("exit", done)));
  return {
    end: async () => {
      team.end();
      expect(await Promise.all(ends)).toEqual(threads.map(() => 0));
    },
  };
}

/** `add(address, n)`: adds n to the word there; the result is n. */
const ADD = {
  name: "add",
  parameters: 2,
  result: true,
  write: (code: Code) => {
    code.get(0);
    code.get(0);
    code.memory("i32.load");
    code.get(1);
    code.op("i32.add");
    code.memory("i32.store");
    code.get(1);
  },
};

describe("a team", () => {
  const program = image();
  const data = Int8Array.from({ length: WEIGHTS }, (_, i) => (i * 37) % 251);
  const inputs = { x: { type: "int8", shape: [1, data.length], data } };
  const alone = program.session().run(inputs);

  it("whose helpers have not come costs nothing but their help", () => {
    const team = createTeam(program.memory, 2);
    expect(team?.jobs.map((j) => j.part)).toEqual([1, 2]);
    const got = program.session({ ...(team === undefined ? {} : { team }) }).run(inputs);
    expect(got).toEqual(alone);
    expect(team?.counts).toEqual({ cut: 0, helped: 0 });
  });

  it("needs memory that threads can share", () => {
    expect(createTeam(undefined, 1)).toBeUndefined();
    expect(createTeam(new WebAssembly.Memory({ initial: 1 }), 1)).toBeUndefined();
  });

  // A thread needs the built package; `npm test` builds first.
  it.skipIf(!existsSync(LIBRARY))("gives the same with two helpers", { timeout: 60_000 }, async () => {
    const team = createTeam(program.memory, 2);
    if (team === undefined) throw new Error("this host has shared memory");
    const { end } = helpers(team);
    const session = program.session({ team });
    for (let run = 0; run < 10; run++) expect(session.run(inputs)).toEqual(alone);
    await end();
  });

  const doesEachPartOnce = async (looks: number): Promise<void> => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const cells = new Int32Array(memory.buffer);
    const [team, pause] = [createTeam(memory, 2), new Int32Array(new SharedArrayBuffer(4))];
    const crew = crewOf(team);
    if (team === undefined || crew === undefined) throw new Error("this host has shared memory");
    const { end } = helpers(team, looks);
    const module = moduleBytes([ADD], true);
    const plain = link(module, memory);
    // Its own part takes long, so that helpers come to theirs.
    const kernel = crew.kernel(module, (...p) => {
      Atomics.wait(pause, 0, 0, 20);
      return plain(...p);
    });
    const parts = [0, 1, 2].map((i) => ({ parameters: [4 * i, i + 1], weight: 10 ** i }));
    const whole = { parameters: [12, 7], weight: 1 };
    const want = [0, 0, 0, 0];
    for (let n = 0; n < 30 || (team.counts.helped === 0 && n < 2000); n++) {
      const some = parts.slice(0, 1 + (n % 3));
      const before = team.counts.cut;
      const sum = crew.run(kernel, { whole, parts: some });
      const done = team.counts.cut > before ? some : [whole];
      for (const { parameters } of done) want[parameters[0] / 4] += parameters[1];
      expect(sum).toBe(done.reduce((all, { parameters, weight }) => all + weight * parameters[1], 0));
      expect([...cells.slice(0, 4)]).toEqual(want);
    }
    expect(team.counts.helped).toBeGreaterThan(0);
    await end();
  };
  it.skipIf(!existsSync(LIBRARY))("does each part once, and lets its helpers go", { timeout: 60_000 }, () =>
    doesEachPartOnce(Number.POSITIVE_INFINITY),
  );
  it.skipIf(!existsSync(LIBRARY))("calls helpers that sleep whenever there is nothing to do", { timeout: 60_000 }, () =>
    doesEachPartOnce(0),
  );
});
