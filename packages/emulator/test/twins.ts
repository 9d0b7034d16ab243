import type { MachineDescription } from "@accelc/machine";
import { Trap } from "../src/errors.js";
import type { Crew, TeamJob } from "../src/fast/team.js";
import { createSamples, type Engine, type Samples } from "../src/samples.js";
import { currentHalf } from "../src/scratchpad.js";
import { createMachine, type DramExtent, type Machine, resetMachine } from "../src/state.js";
import { type Structure, scan } from "../src/structure.js";

export { scan };

/** One machine for each engine, to be compared after the same program. */
export interface Twins {
  readonly reference: Machine;
  readonly fast: Machine;
  samples: readonly [Samples, Samples];
  /** Tiles and nests that were cut for several threads. */
  readonly cut: () => number;
}

const machineOf = (description: MachineDescription, extent: DramExtent, team?: Crew): Machine =>
  createMachine(
    description,
    extent,
    (address, block) => ({ address, block, node: undefined, op: undefined }),
    undefined,
    team,
  );

/** Rows of OBUF that `act` changes. */
function changedRows(m: Machine, act: () => void): Set<number> {
  const { cells, width } = currentHalf(m.obuf);
  const before = cells.slice();
  act();
  const rows = new Set<number>();
  for (let i = 0; i < cells.length; i++) if (cells[i] !== before[i]) rows.add(Math.floor(i / width));
  return rows;
}

/** As many threads, whose parts this one does, the last first; it cuts the smallest tiles and nests. Throws where two parts meet. */
function backwards(threads: number, machine: () => Machine): Crew & { readonly cut: () => number } {
  let cut = 0;
  return {
    jobs: Array.from({ length: threads - 1 }, (_, i) => ({ part: i + 1 }) as TeamJob),
    counts: { cut: 0, helped: 0 },
    leastMacs: 0,
    leastVectors: 0,
    end: () => {},
    kernel: (_, call) => ({ id: 0, call }),
    run: ({ call }, { parts }) => {
      if (parts.length > 1) cut += 1;
      let sum = 0;
      const rows = new Set<number>();
      for (const { parameters, weight } of parts.toReversed()) {
        const own = changedRows(machine(), () => {
          sum += weight * call(...parameters);
        });
        for (const row of own) {
          if (rows.has(row)) throw new Error(`two parts write OBUF row ${row}`);
          rows.add(row);
        }
      }
      return sum;
    },
    cut: () => cut,
  };
}

/** @param threads of the fast engine */
export function createTwins(description: MachineDescription, extent: DramExtent, threads = 1): Twins {
  const team = threads === 1 ? undefined : backwards(threads, () => fast);
  const reference = machineOf(description, extent);
  const fast: Machine = machineOf(description, extent, team);
  return { reference, fast, cut: () => team?.cut() ?? 0, samples: [createSamples(reference), createSamples(fast)] };
}

/** Both machines as new, with no code kept from programs before. */
export function renew(twins: Twins): void {
  const { reference, fast } = twins;
  for (const m of [reference, fast]) resetMachine(m, true);
  twins.samples = [createSamples(reference), createSamples(fast)];
}

type Outcome = Readonly<Record<string, unknown>>;

/** Everything a program can change, big arrays apart. */
function outcome(m: Machine, trap: string): Outcome {
  const { calls, fallbacks, slowRegions, activeMacs, ...stats } = m.stats;
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
export const constantsOf = (m: Machine): Uint8Array => spanBytes(m, m.dram.constants);
export const arenaOf = (m: Machine): Uint8Array => spanBytes(m, m.dram.arena);

const arrays = (m: Machine) => [
  ["constants", constantsOf(m)] as const,
  ["arena", arenaOf(m)] as const,
  ...pads(m).flatMap((p, i) => [[`${p.name} ${i}`, p.cells] as const, [`${p.name} ${i} written`, p.written] as const]),
];

const bytesOf = (a: Uint8Array | Int8Array | Int32Array): Buffer => Buffer.from(a.buffer, a.byteOffset, a.byteLength);

function differences({ reference, fast }: Twins): string[] {
  const others = arrays(fast);
  return arrays(reference).flatMap(([name, a], i) => {
    const b = others[i][1];
    if (bytesOf(a).equals(bytesOf(b))) return [];
    const at = a.findIndex((x, j) => x !== b[j]);
    return [`${name}[${at}] is ${b[at]} for ${a[at]}`];
  });
}

function runOnce(m: Machine, samples: Samples, program: Structure, engine: Engine, prepare: () => void): Outcome {
  let trap = "none";
  try {
    samples.run(program, engine, prepare, () => {});
  } catch (e) {
    if (!(e instanceof Trap)) throw e;
    trap = e.message;
  }
  return outcome(m, trap);
}

export interface Comparison {
  /** Of the first run; "none" where it ended. */
  readonly trap: string;
  /** What the fast engine left over in it. */
  readonly fallbacks: number;
  readonly steps: number;
  /** Empty where the engines agree. */
  readonly found: readonly string[];
}

/**
 * Runs a program three times on both engines, the second time with the data of the first, and compares all state after
 * each; the third run with the fast engine repeats the plan of the second where there is one.
 *
 * @param fill puts the data of a round into DRAM
 */
export function compareEngines(
  twins: Twins,
  program: Structure,
  limit: number,
  fill: (m: Machine, round: number) => void,
): Comparison {
  const { reference, fast, samples } = twins;
  for (const m of [reference, fast]) resetMachine(m, true);
  let first: Omit<Comparison, "found"> | undefined;
  for (const [run, round] of [0, 0, 1].entries()) {
    for (const m of [reference, fast]) m.maxSteps = limit;
    const want = runOnce(reference, samples[0], program, "reference", () => fill(reference, round));
    const got = runOnce(fast, samples[1], program, "fast", () => fill(fast, round));
    const left = [...fast.stats.fallbacks.values()].reduce((x, y) => x + y, 0);
    first ??= { trap: String(want.trap), fallbacks: left, steps: reference.steps };
    const found = differences(twins);
    for (const key of Object.keys(want)) {
      const [x, y] = [JSON.stringify(want[key]), JSON.stringify(got[key])];
      if (x !== y) found.push(`${key}: ${y} for ${x}`);
    }
    if (found.length > 0) return { ...first, found: [`run ${run}, trap ${want.trap}`, ...found.slice(0, 4)] };
  }
  return { ...(first as Omit<Comparison, "found">), found: [] };
}
