import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { load, loadObject, type Program } from "@accelc/emulator";
import { prune } from "@accelc/ir";
import { type AccelObject, decode, ElfError, type Inst, readElf, writeElf } from "@accelc/isa";
import { MachineError, machineHash, machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { compileExact } from "./support/exactness.js";
import { minimize, mutate, pick, type Random, randomWords, seeded, wildProgram } from "./support/fuzz.js";
import { asFile, mutateBytes, mutateObject } from "./support/fuzz-elf.js";
import { Bench, compareBinary, FUZZ_MACHINE, LIMIT, simulates, wordsObject } from "./support/fuzz-run.js";
import { randomGraph } from "./support/random-graph.js";

/** Programs, and binaries, per run; `npm run fuzz` goes on for a time instead and keeps what it finds. */
const COUNT = Number(process.env.ACCELC_FUZZ ?? 4000);
const BINARIES = Number(process.env.ACCELC_FUZZ_BINARIES ?? 600);
const FIRST = Number(process.env.ACCELC_SEED ?? 1);
const SECONDS = Number(process.env.ACCELC_FUZZ_SECONDS ?? 0);
const KEEP = process.env.ACCELC_FUZZ_KEEP === "1";
const CORPUS = fileURLToPath(new URL("fuzz-corpus", import.meta.url));

const wordsOf = (o: AccelObject): readonly Inst[] => Array.from(o.text, (w) => decode(w)!);

/** Small programs as the compiler makes them. */
function compiledPrograms(): readonly AccelObject[] {
  const found: AccelObject[] = [];
  for (let seed = 1; found.length < 12; seed++) {
    const graph = prune(randomGraph(seed, { steps: 2 + (seed % 4), most: 1500 }));
    const { object } = compileExact(graph, FUZZ_MACHINE, {});
    const r = object.text.length > 600 ? undefined : new Bench(FUZZ_MACHINE, object).compare(wordsOf(object), seed);
    if (r !== undefined && r.steps < LIMIT / 2) found.push(object);
  }
  return found;
}

/** What a file of the corpus holds, for its machine as it is described now; undefined where it holds no object. */
function objectIn(bytes: Uint8Array): AccelObject | undefined {
  try {
    const o = readElf(bytes);
    return { ...o, machineHash: machineHash(machinePreset(o.machineName)) };
  } catch (e) {
    if (e instanceof ElfError || e instanceof MachineError) return undefined;
    throw e;
  }
}

const plain = wordsObject([], FUZZ_MACHINE);

function keep(file: Uint8Array): string {
  const name = `${createHash("sha256").update(file).digest("hex").slice(0, 12)}.elf`;
  mkdirSync(CORPUS, { recursive: true });
  writeFileSync(join(CORPUS, name), file);
  return name;
}

/** Seeds from FIRST on: a number of them, or as long as there is time. */
function forSeeds(count: number, share: number, run: (seed: number) => boolean): number {
  const end = performance.now() + SECONDS * 1000 * share;
  let seed = FIRST;
  while (SECONDS > 0 ? performance.now() < end : seed < FIRST + count) if (!run(seed++)) break;
  return seed - FIRST;
}

describe("fuzzing", { timeout: 600_000 + 2000 * SECONDS }, () => {
  const compiled = compiledPrograms();
  const pool = compiled.map(wordsOf);

  it("the corpus: engines agree on every case", () => {
    const files = readdirSync(CORPUS).filter((f) => f.endsWith(".elf"));
    const failures = files.flatMap((name) => {
      const bytes = new Uint8Array(readFileSync(join(CORPUS, name)));
      const o = objectIn(bytes);
      const make = () => (o === undefined ? load(bytes) : loadObject(o));
      const { found } = compareBinary(make, 1);
      found.push(...simulates(make).found);
      if (o?.text.every((w) => decode(w) !== undefined))
        found.push(...(new Bench(machinePreset(o.machineName), o).compare(wordsOf(o), 1)?.found ?? []));
      return found.length > 0 ? [`${name}: ${found.join("; ")}`] : [];
    });
    expect(failures).toEqual([]);
    console.log(`fuzz: ${files.length} cases of the corpus`);
  });

  const free = new Bench(FUZZ_MACHINE, plain);
  const benches = compiled.map((o) => new Bench(FUZZ_MACHINE, o));
  /** A program, the object whose DRAM it has, and a machine pair with that. */
  const program = (r: Random): readonly [Bench, readonly Inst[], AccelObject] => {
    const kind = r(0, 9);
    if (kind < 6) {
      const i = r(0, compiled.length - 1);
      return [benches[i]!, mutate(r, pool[i]!, pool), compiled[i]!];
    }
    return [free, kind < 8 ? wildProgram(r, FUZZ_MACHINE, pool) : randomWords(r), plain];
  };

  it("simulation: ends on every program, with cycles or a diagnostic", () => {
    const failures: string[] = [];
    let counted = 0;
    const ran = forSeeds(COUNT, 0.2, (seed) => {
      const [, words, base] = program(seeded(seed));
      const simulated = (w: readonly Inst[]) => simulates(() => loadObject(wordsObject(w, FUZZ_MACHINE, base)));
      const result = simulated(words);
      if (result.ran) counted++;
      if (result.found.length === 0) return true;
      const least = minimize(words, (w) => simulated(w).found.length > 0);
      const kept = KEEP ? ` in ${keep(writeElf(wordsObject(least, FUZZ_MACHINE, base)))}` : "";
      failures.push(`seed ${seed}, ${least.length} words${kept}: ${result.found.join("; ")}`);
      return failures.length < 5;
    });
    console.log(`fuzz: ${ran} programs from seed ${FIRST}: ${counted} have a simulation that ends`);
    expect(failures).toEqual([]);
  });

  it("words: both engines leave the same state", () => {
    const failures: string[] = [];
    const tally = { traps: 0, covered: 0, none: 0 };
    const ran = forSeeds(COUNT, 0.6, (seed) => {
      const r = seeded(seed);
      const [bench, words, base] = program(r);
      const limit = r(0, 9) === 0 ? r(1, 2000) : LIMIT;
      const result = bench.compare(words, seed, limit);
      if (result === undefined) tally.none++;
      else if (result.trap !== "none") tally.traps++;
      if (result?.fallbacks === 0) tally.covered++;
      if (result === undefined || result.found.length === 0) return true;
      const fails = (w: readonly Inst[]) => (bench.compare(w, 1, LIMIT)?.found.length ?? 0) > 0;
      const least = fails(words) ? minimize(words, fails) : words;
      const file = writeElf(wordsObject(least, FUZZ_MACHINE, base));
      failures.push(
        `seed ${seed}, ${least.length} words${KEEP ? ` in ${keep(file)}` : ""}: ${result.found.join("; ")}`,
      );
      return failures.length < 5;
    });
    const { traps, covered, none } = tally;
    console.log(
      `fuzz: ${ran} programs from seed ${FIRST}: ${traps} trap, ${covered} without fallback, ${none} are no program`,
    );
    expect(failures).toEqual([]);
  });

  it("binaries: tables, addresses and bytes, checksum repaired", () => {
    const files = compiled.map((o) => writeElf(o));
    const failures: string[] = [];
    let executed = 0;
    const ran = forSeeds(BINARIES, 0.2, (seed) => {
      const r = seeded(seed);
      const i = r(0, compiled.length - 1);
      const object = r(0, 1) === 0 ? mutateObject(r, compiled[i]!) : undefined;
      const bytes = object === undefined ? mutateBytes(r, files[i]!) : asFile(object);
      const make = (): Program => (bytes === undefined ? loadObject(object!) : load(bytes));
      const result = compareBinary(make, seed);
      result.found.push(...simulates(make).found);
      if (result.ran) executed++;
      if (result.found.length === 0) return true;
      const kept = KEEP && bytes !== undefined ? ` in ${keep(bytes)}` : "";
      failures.push(`seed ${seed}${kept}: ${result.found.join("; ")}`);
      return failures.length < 5;
    });
    console.log(`fuzz: ${ran} binaries from seed ${FIRST}: ${executed} were executed`);
    expect(failures).toEqual([]);
  });

  it("finds the least words of a failure", () => {
    const words = pool[0]!;
    const op = pick(
      seeded(3),
      words.filter((w) => w.op === "ld_start" || w.op === "sa_ld"),
    ).op;
    const least = minimize(words, (w) => w.some((x) => x.op === op));
    expect(least.map((w) => w.op)).toEqual(["sync_start", op, "sync_end", "block_end"]);
  });
});
