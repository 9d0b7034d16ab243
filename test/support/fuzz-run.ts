import { createHash } from "node:crypto";
import { ELEMENT_TYPES, EmulatorError, type HostTensor, type Program, type Session, simulate } from "@accelc/emulator";
import { type AccelObject, encode, type Inst } from "@accelc/isa";
import { type MachineDescription, machineHash, machinePreset } from "@accelc/machine";
import { objectOf } from "../../packages/emulator/test/build.js";
import {
  arenaOf,
  type Comparison,
  compareEngines,
  createTwins,
  renew,
  scan,
  type Twins,
} from "../../packages/emulator/test/twins.js";
import { seeded } from "./fuzz.js";

/** Steps of a sample: enough for the small programs that are mutated, and soon over for what they become. */
export const LIMIT = 20_000;
/** A case above this hangs: its steps take some hundredths of a second. */
const MOST_MS = 60_000;

/** A machine pair with the DRAM of an object; programs on it are compared one after another. */
export class Bench {
  private readonly twins: Twins;
  private ran = 0;

  constructor(machine: MachineDescription, o: AccelObject) {
    const constants = { address: o.rodataAddress, bytes: o.rodata };
    this.twins = createTwins(machine, { constants, arena: { address: o.bssAddress, size: o.bssSize } });
  }

  /** What differs; undefined for words that are no program. */
  compare(words: readonly Inst[], seed: number, limit = LIMIT): Comparison | undefined {
    // Code of earlier programs is kept for a while; it is found by what it does.
    if (this.ran++ % 32 === 0) renew(this.twins);
    let program: ReturnType<typeof scan>;
    try {
      program = scan(Uint32Array.from(words, encode), this.twins.reference.locate);
    } catch (e) {
      if (e instanceof EmulatorError) return undefined;
      throw e;
    }
    const start = performance.now();
    const result = compareEngines(this.twins, program, limit, (m, round) => {
      const arena = arenaOf(m);
      const r = seeded(seed + round);
      for (let i = 0; i < arena.length; i++) arena[i] = r(0, 255);
    });
    const ms = performance.now() - start;
    return ms > MOST_MS ? { ...result, found: [...result.found, `it took ${ms.toFixed(0)} ms`] } : result;
  }
}

/** An object of words alone. */
export function wordsObject(words: readonly Inst[], machine: MachineDescription, base?: AccelObject): AccelObject {
  const plain = objectOf({ words, machine });
  if (base === undefined) return { ...plain, debug: { ...plain.debug, nodes: [], ranges: [] } };
  const { rodata, rodataAddress, bssAddress, bssSize } = base;
  return {
    ...plain,
    ...{ rodata, rodataAddress, bssAddress, bssSize },
    machineHash: machineHash(machine),
    debug: { ...plain.debug, nodes: [], ranges: [] },
  };
}

export const FUZZ_MACHINE = machinePreset("tandem-8x8");

const MOST_DRAM = 2 ** 24;
const MOST_INPUT = 2 ** 16;

function inputsOf(program: Program, seed: number): Readonly<Record<string, HostTensor>> {
  const r = seeded(seed);
  const entries = program.object.io.inputs.map(({ name, elementType, shape }) => {
    const n = Math.min(
      MOST_INPUT,
      shape.reduce((a, b) => a * b, 1),
    );
    const data = ELEMENT_TYPES[elementType]!.make(Number.isInteger(n) && n > 0 ? n : 0);
    for (let i = 0; i < data.length; i++) data[i] = (typeof data[0] === "bigint" ? BigInt(r(0, 3)) : r(0, 3)) as never;
    return [name, { type: elementType, shape, data }] as const;
  });
  return Object.fromEntries(entries);
}

const show = (a: ArrayBufferView): string =>
  createHash("sha1")
    .update(new Uint8Array(a.buffer, a.byteOffset, a.byteLength))
    .digest("hex");

/** What a user sees of two samples: outputs and .bss, or the error. What is no EmulatorError is thrown. */
function seen(make: () => Program, engine: "fast" | "reference", seed: number): string[] {
  const out: string[] = [];
  let session: Session | undefined;
  try {
    const program = make();
    session = program.session({ maxDramBytes: MOST_DRAM });
    for (const sample of [0, 1]) {
      const { outputs } = session.run(inputsOf(program, seed + sample), { engine, maxSteps: LIMIT });
      for (const [name, t] of Object.entries(outputs)) out.push(`${name} ${t.type} [${t.shape}] ${show(t.data)}`);
      out.push(show(session.arena));
    }
  } catch (e) {
    if (!(e instanceof EmulatorError)) throw e;
    out.push(`${e.code} ${e.message} ${session === undefined ? "" : show(session.arena)}`);
  }
  return out;
}

/** Runs a binary as a user does, on both engines. Empty where they agree. */
export function compareBinary(make: () => Program, seed: number): { readonly found: string[]; readonly ran: boolean } {
  const start = performance.now();
  try {
    const [want, got] = (["reference", "fast"] as const).map((engine) => seen(make, engine, seed));
    const at = want!.findIndex((x, i) => x !== got![i]);
    const ms = performance.now() - start;
    const found = at < 0 ? [] : [`${got![at]?.slice(0, 300)} for ${want![at]?.slice(0, 300)}`];
    if (ms > MOST_MS) found.push(`it took ${ms.toFixed(0)} ms`);
    return { found, ran: !want![0]?.startsWith("EM10") };
  } catch (e) {
    return { found: [e instanceof Error ? (e.stack ?? e.message) : String(e)], ran: false };
  }
}

/** Events of a simulation: as many as `LIMIT` steps, and the costs of transfers. */
const EVENTS = 50 * LIMIT;

/** Simulates a binary as a user does. Empty where that ends, with a report or a diagnostic. */
export function simulates(make: () => Program): { readonly found: string[]; readonly ran: boolean } {
  const start = performance.now();
  const late = (): string[] => {
    const ms = performance.now() - start;
    return ms > MOST_MS ? [`simulation took ${ms.toFixed(0)} ms`] : [];
  };
  try {
    const { cycles, busy } = simulate(make(), undefined, { maxEvents: EVENTS });
    const bad = [cycles, ...Object.values(busy)].filter((x) => !Number.isFinite(x) || x < 0);
    return { found: [...late(), ...bad.map((x) => `simulation counts ${x} cycles`)], ran: true };
  } catch (e) {
    if (e instanceof EmulatorError) return { found: late(), ran: false };
    return { found: [`simulation: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`], ran: false };
  }
}
