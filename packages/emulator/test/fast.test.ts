import { FORMAT, type Inst, OPS } from "@accelc/isa";
import { loadMachine, type MachineDescription, machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { loadObject } from "../src/index.js";
import { type Machine, NS_NAMES } from "../src/state.js";
import { count } from "../src/stats.js";
import { scan } from "../src/structure.js";
import { BSS, objectOf, RODATA, randoms } from "./build.js";
import { randomProgram } from "./random-program.js";
import { arenaOf, compareEngines, constantsOf, createTwins, renew, type Twins } from "./twins.js";

/** Programs per run; ACCELC_SEED moves the whole range of seeds. */
const COUNT = Number(process.env.ACCELC_PROGRAMS ?? 3000);
const FIRST = Number(process.env.ACCELC_SEED ?? 1);
const SIZE = 0x10000;

const twinsOf = (description: MachineDescription, threads: number): Twins =>
  createTwins(
    description,
    {
      constants: { address: RODATA, bytes: new Uint8Array(BSS - RODATA) },
      arena: { address: BSS, size: SIZE - BSS },
    },
    threads,
  );

const WITH_FUNCTIONS = loadMachine({
  extends: "tandem-8x8",
  name: "with-functions",
  tandem: { specialFunctions: true },
});

const EXTREMES = [-0x7f7f7f80, 0, -0x80000000, 0x7fffffff];

/** Random bytes, extremes among them; sometimes constants that make diagonal weight blocks. */
function fillDram(m: Machine, seed: number): void {
  const words = new Int32Array((SIZE - RODATA) / 4);
  let s = seed >>> 0;
  for (let i = 0; i < words.length; i++) {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    const kind = s >>> 28;
    words[i] = EXTREMES[kind] ?? (kind < 8 ? (s >> 8) & 0xff : s ^ (s << 7));
  }
  const bytes = new Uint8Array(words.buffer);
  if (seed % 3 === 0) {
    for (let i = 0; i < BSS - RODATA; i++) if (Math.floor(i / m.lanes) % m.lanes !== i % m.lanes) bytes[i] = 0;
  }
  constantsOf(m).set(bytes.subarray(0, BSS - RODATA));
  arenaOf(m).set(bytes.subarray(BSS - RODATA));
}

/** Words that no program executes: they trap. */
const NEVER = ["sa_set_imem_addr", "sa_ld_imem", "sa_st_imem"];

/** What distinguishes uses of a word that the engines treat apart. */
const variantOf = (i: Inst): string => {
  if (i.op === "format") return `format ${FORMAT_NAMES[i.a]} ${FORMAT_NAMES[i.w]}`;
  if (i.op === "ld_start" || i.op === "st_start") return `${i.op} ${NS_NAMES[i.ns]} ${i.bits_minus_1 + 1}`;
  if (i.op === "pad_dim") return `pad_dim ${i.target}`;
  if (i.op === "perm_start") return `perm_start shuffle ${i.shuffle}`;
  return i.op;
};
const FORMAT_NAMES = Object.keys(FORMAT);

const VARIANTS = [
  ...["INT8", "INT4", "INT2", "FP16", "HFP8", "FP8_BWD"].map((f) => `format ${f} ${f}`),
  ...["HFP8 FP8_BWD", "FP8_BWD HFP8"].map((f) => `format ${f}`),
  ...["VMEM1", "VMEM2"].flatMap((ns) => [2, 4, 8, 16, 32].map((bits) => `st_start ${ns} ${bits}`)),
  ...["VMEM1", "VMEM2"].flatMap((ns) => [8, 16, 32].map((bits) => `ld_start ${ns} ${bits}`)),
  ...["st_start OBUF 32", "st_start IBUF 8"],
  ...[0, 1, 2, 3, 6, 7].map((target) => `pad_dim ${target}`),
  ...[0, 1].map((shuffle) => `perm_start shuffle ${shuffle}`),
];

interface Tally {
  /** Words of programs that ended, and of those that the fast engine then did whole, by kind and variant. */
  readonly executed: Map<string, number>;
  readonly fast: Map<string, number>;
  traps: number;
  covered: number;
  fallbacks: number;
}

function compareSeed(twins: Twins, seed: number, tally: Tally): string[] {
  const r = randoms(seed * 7919);
  for (let i = 0; i < 4; i++) r(0, 1);
  const wild = [0, 0, 3, 10][seed % 4];
  const { description, locate } = twins.reference;
  const words = randomProgram(r, description, wild);
  const program = scan(objectOf({ words, machine: description }).text, locate);
  const limit = seed % 10 === 0 ? r(1, 3000) : Number.POSITIVE_INFINITY;
  renew(twins);
  const { trap, fallbacks, found } = compareEngines(twins, program, limit, (m, round) => fillDram(m, seed + round));
  if (trap !== "none") tally.traps++;
  if (fallbacks === 0) tally.covered++;
  if (trap === "none")
    for (const i of words)
      for (const what of new Set([i.op, variantOf(i)])) {
        count(tally.executed, what, 1);
        if (fallbacks === 0) count(tally.fast, what, 1);
      }
  tally.fallbacks += fallbacks;
  return found.length > 0 ? [`seed ${seed}: ${found.join("; ")}`] : [];
}

describe("fast engine", () => {
  it(`leaves the same state as the reference engine on ${COUNT} random programs from seed ${FIRST}`, {
    timeout: 600_000,
  }, () => {
    const machines = (
      [
        ["tandem-8x8", 1],
        ["tandem-8x8", 2],
        ["tandem-8x8", 5],
        ["tandem-32x32", 1],
        ["tandem-32x32", 2],
      ] as const
    ).map(([name, threads]) => twinsOf(machinePreset(name), threads));
    machines.push(twinsOf(WITH_FUNCTIONS, 1));
    const tally: Tally = { traps: 0, covered: 0, fallbacks: 0, executed: new Map(), fast: new Map() };
    const failures: string[] = [];
    for (let seed = FIRST; seed < FIRST + COUNT && failures.length < 5; seed++) {
      failures.push(...compareSeed(machines[seed % machines.length], seed, tally));
    }
    const { traps, covered, fallbacks } = tally;
    const cut = machines.reduce((sum, twins) => sum + twins.cut(), 0);
    console.log(
      `fast engine: ${COUNT} programs, seeds ${FIRST} to ${FIRST + COUNT - 1}: ${traps} trap, ${covered} without fallback, ${fallbacks} fallbacks, ${cut} tiles and nests cut for threads`,
    );
    expect(failures).toEqual([]);
    expect(covered).toBeGreaterThan(COUNT / 10);
    if (COUNT < 2000) return;
    const absent = (found: ReadonlyMap<string, number>, wanted: readonly string[]) =>
      wanted.filter((w) => !found.has(w));
    expect(absent(tally.executed, [...OPS.filter((op) => !NEVER.includes(op)), ...VARIANTS])).toEqual([]);
    console.log(`without fallback never: ${absent(tally.fast, [...OPS, ...VARIANTS])}`);
    expect(cut).toBeGreaterThan(COUNT / 10);
  });

  it("is the default, and stops where the reference engine stops", () => {
    const description = machinePreset("tandem-8x8");
    const words = randomProgram(randoms(3), description, 0);
    const program = loadObject(objectOf({ words, machine: description }), description);
    expect(() => program.session().run({}, { engine: "reference", maxSteps: 1 })).toThrow(/EM2016/);
    expect(() => program.session().run({}, { maxSteps: 1 })).toThrow(/EM2016/);
  });
});
