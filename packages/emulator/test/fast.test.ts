import { type MachineDescription, machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { Trap } from "../src/errors.js";
import { loadObject } from "../src/index.js";
import { createSamples, type Engine, type Samples } from "../src/samples.js";
import { createMachine, type Machine, resetMachine } from "../src/state.js";
import { type Structure, scan } from "../src/structure.js";
import { BSS, objectOf, RODATA, randoms } from "./build.js";
import { randomProgram } from "./random-program.js";

/** Programs per run; ACCELC_SEED moves the whole range of seeds. */
const COUNT = Number(process.env.ACCELC_PROGRAMS ?? 3000);
const FIRST = Number(process.env.ACCELC_SEED ?? 1);
const SIZE = 0x10000;

const machineOf = (description: MachineDescription): Machine => {
  const extent = {
    constants: { address: RODATA, bytes: new Uint8Array(BSS - RODATA) },
    arena: { address: BSS, size: SIZE - BSS },
  };
  return createMachine(description, extent, (address, block) => ({ address, block, node: undefined, op: undefined }));
};

const EXTREMES = [-0x7f7f7f80, 0, -0x80000000, 0x7fffffff];

/** Random bytes, extremes among them; sometimes constants that make diagonal weight blocks. */
function fillDram({ dram, lanes }: Machine, seed: number): void {
  const words = new Int32Array((SIZE - RODATA) / 4);
  let s = seed >>> 0;
  for (let i = 0; i < words.length; i++) {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    const kind = s >>> 28;
    words[i] = EXTREMES[kind] ?? (kind < 8 ? (s >> 8) & 0xff : s ^ (s << 7));
  }
  const bytes = new Uint8Array(words.buffer);
  if (seed % 3 === 0) {
    for (let i = 0; i < BSS - RODATA; i++) if (Math.floor(i / lanes) % lanes !== i % lanes) bytes[i] = 0;
  }
  dram.bytes.set(bytes.subarray(0, BSS - RODATA), dram.constants.at);
  dram.bytes.set(bytes.subarray(BSS - RODATA), dram.arena.at);
}

type Outcome = Readonly<Record<string, unknown>>;

/** Everything a program can change, big arrays apart. */
function outcome(m: Machine, trap: string): Outcome {
  const { fallbacks, activeMacs, ...stats } = m.stats;
  const counts = Object.entries(stats).map(([key, v]) => [key, v instanceof Map ? [...v].sort() : v]);
  return {
    trap,
    activeMacs,
    counts: Object.fromEntries(counts),
    steps: m.steps,
    halves: [m.ibuf, m.wbuf, m.bbuf, m.obuf].map((d) => d.current),
    registers: [m.iteratorBase, m.iteratorStride].map((a) => [...a]),
    datatype: { ...m.datatype },
    owned: m.obufOwned,
  };
}

const pads = (m: Machine) => [
  ...[m.ibuf, m.wbuf, m.bbuf, m.obuf].flatMap((d) => [...d.halves]),
  ...[m.vmem1, m.vmem2, m.imm],
];
const spanBytes = (m: Machine, { from, to, at }: Machine["dram"]["arena"]): Uint8Array =>
  m.dram.bytes.subarray(at, at + to - from);
const arrays = (m: Machine) => [
  ["constants", spanBytes(m, m.dram.constants)] as const,
  ["arena", spanBytes(m, m.dram.arena)] as const,
  ...pads(m).flatMap((p, i) => [[`${p.name} ${i}`, p.cells] as const, [`${p.name} ${i} written`, p.written] as const]),
];

const bytesOf = (a: Uint8Array | Int8Array | Int32Array): Buffer => Buffer.from(a.buffer, a.byteOffset, a.byteLength);

function differences(reference: Machine, fast: Machine): string[] {
  const others = arrays(fast);
  return arrays(reference).flatMap(([name, a], i) => {
    const b = others[i][1];
    if (bytesOf(a).equals(bytesOf(b))) return [];
    const at = a.findIndex((x, j) => x !== b[j]);
    return [`${name}[${at}] is ${b[at]} for ${a[at]}`];
  });
}

function runOnce(m: Machine, samples: Samples, program: Structure, engine: Engine, seed: number): Outcome {
  let trap = "none";
  try {
    samples.run(
      program,
      engine,
      () => fillDram(m, seed),
      () => {},
    );
  } catch (e) {
    if (!(e instanceof Trap)) throw e;
    trap = e.message;
  }
  return outcome(m, trap);
}

interface Tally {
  traps: number;
  covered: number;
  fallbacks: number;
}

function compareEngines(reference: Machine, fast: Machine, seed: number, tally: Tally): string[] {
  const r = randoms(seed * 7919);
  for (let i = 0; i < 4; i++) r(0, 1);
  const wild = [0, 0, 3, 10][seed % 4];
  const words = randomProgram(r, reference.description, wild);
  const object = objectOf({ words, machine: reference.description });
  const program = scan(object.text, reference.locate);
  for (const m of [reference, fast]) resetMachine(m, true);
  const [a, b] = [createSamples(reference), createSamples(fast)];
  const limit = seed % 10 === 0 ? r(1, 3000) : Number.POSITIVE_INFINITY;
  // The third run with the fast engine repeats the plan of the second where there is one.
  for (const [round, data] of [seed, seed, seed + 1].entries()) {
    for (const m of [reference, fast]) m.maxSteps = limit;
    const want = runOnce(reference, a, program, "reference", data);
    const got = runOnce(fast, b, program, "fast", data);
    if (round === 0) {
      if (want.trap !== "none") tally.traps++;
      if (fast.stats.fallbacks.size === 0) tally.covered++;
      tally.fallbacks += [...fast.stats.fallbacks.values()].reduce((x, y) => x + y, 0);
    }
    const found = differences(reference, fast);
    for (const key of Object.keys(want)) {
      const [x, y] = [JSON.stringify(want[key]), JSON.stringify(got[key])];
      if (x !== y) found.push(`${key}: ${y} for ${x}`);
    }
    if (found.length > 0) return [`seed ${seed}, run ${round}, trap ${want.trap}: ${found.slice(0, 4).join("; ")}`];
  }
  return [];
}

describe("fast engine", () => {
  it(`leaves the same state as the reference engine on ${COUNT} random programs from seed ${FIRST}`, () => {
    const machines = ["tandem-8x8", "tandem-8x8", "tandem-8x8", "tandem-32x32"].map((name) => {
      const description = machinePreset(name);
      return [machineOf(description), machineOf(description)] as const;
    });
    const tally = { traps: 0, covered: 0, fallbacks: 0 };
    const failures: string[] = [];
    for (let seed = FIRST; seed < FIRST + COUNT && failures.length < 5; seed++) {
      const [reference, fast] = machines[seed % machines.length];
      failures.push(...compareEngines(reference, fast, seed, tally));
    }
    const { traps, covered, fallbacks } = tally;
    console.log(
      `fast engine: ${COUNT} programs, seeds ${FIRST} to ${FIRST + COUNT - 1}: ${traps} trap, ${covered} without fallback, ${fallbacks} fallbacks`,
    );
    expect(failures).toEqual([]);
    expect(covered).toBeGreaterThan(COUNT / 10);
  });

  it("is the default, and stops where the reference engine stops", () => {
    const description = machinePreset("tandem-8x8");
    const words = randomProgram(randoms(3), description, 0);
    const program = loadObject(objectOf({ words, machine: description }), description);
    expect(() => program.session().run({}, { engine: "reference", maxSteps: 1 })).toThrow(/EM2016/);
    expect(() => program.session().run({}, { maxSteps: 1 })).toThrow(/EM2016/);
  });
});
