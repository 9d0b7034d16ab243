import { isShared } from "../arena.js";
import { link, type WasmFunction } from "./wasm.js";

/**
 * Threads that share the multiplications and nests of one session. All is said in a control block of shared memory: a generation
 * number that grows with every piece of work, and per part of the work a kernel, its parameters, who claimed it and
 * whether it is done. Part 0 is the session's own. A part that its helper has not claimed when the session is done with its
 * own, the session does too; and where no helper is awake it calls them and does all of the work at once. So a helper that
 * sleeps, or has not come yet, costs nothing but its help.
 *
 * Invariant: between pieces of work every part's `claimed` is the generation.
 */
export interface Team {
  /** One for each helper, to be posted to a thread that calls `helpTeam` with it. */
  readonly jobs: readonly TeamJob[];
  /** Pieces of work that were cut into parts, and parts that helpers did of them. */
  readonly counts: { readonly cut: number; readonly helped: number };
  /** Lets the helpers go. */
  readonly end: () => void;
}

/** What a helper needs; it can be posted to another thread, nothing is copied on the way. */
export interface TeamJob {
  readonly memory: WebAssembly.Memory;
  readonly control: SharedArrayBuffer;
  readonly code: SharedArrayBuffer;
  /** The part of every piece of work that this helper does, from 1 on. */
  readonly part: number;
  /** How often it looks for work before it goes to sleep. */
  readonly looks: number;
}

/** A kernel that helpers can run, too; its result, where it has one, is a number. */
export interface TeamKernel {
  readonly id: number;
  readonly call: WasmFunction;
}

/** A call of a kernel, and what its result counts for in the result of the whole. */
export interface Part {
  readonly parameters: readonly number[];
  readonly weight: number;
}

/** The same work as one call, or in as many parts as there are threads, or fewer; none touches what another one writes. */
export interface Shared {
  readonly whole: Part;
  readonly parts: readonly Part[];
}

/** The side of the session. */
export interface Crew extends Team {
  /** Below this many multiply-accumulates a tile is done sooner than another thread hears of it. */
  readonly leastMacs: number;
  /** Likewise vector instructions of a nest. */
  readonly leastVectors: number;
  /** Makes a module's one function, which is `call` in this thread, known to the helpers. */
  readonly kernel: (module: Uint8Array<ArrayBuffer>, call: WasmFunction) => TeamKernel;
  /** Σ weight · result. */
  readonly run: (kernel: TeamKernel, work: Shared) => number;
}

/** Words of the control block; lines of 128 bytes keep threads off each other's caches. */
const LINE = 32;
const [GENERATION, ENDED] = [0, LINE];
const firstWord = (part: number): number => (2 + part) * LINE;
const [CLAIMED, DONE, AWAITED, RESULT, KERNEL, COUNT, PARAMETERS, STATE] = [0, 1, 2, 3, 4, 5, 6, LINE - 1];
/** Of a helper: it looks for work; it sleeps; it was called, or has not come yet. */
const [AWAKE, ASLEEP, CALLED] = [0, 1, 2];

/** Room for the modules of kernels: positions and lengths, then bytes. A kernel without room is the session's alone. */
const MOST_KERNELS = 1024;
const CODE_BYTES = 1 << 22;
const NO_ROOM = -1;

const LEAST_MACS = 2 ** 17;
const LEAST_VECTORS = 512;

/** Looks at a word before a helper goes to sleep: half a millisecond, so that it is awake between tiles; and the session, which then looks at the clock. */
const LOOKS = { helper: 100_000, owner: 20_000 };

/**
 * Pieces of work that the session does alone after a helper was of no use, being put aside by a busy host: where to wake it
 * takes this thread's core. Twice as many each time, half as many after each piece with help.
 */
const REST = { least: 8, most: 2048 };

/** Where a thread may not sleep, as in a page's main thread, it goes on looking. */
const canSleep = (): boolean => {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
};

/** Undefined where the memory is not one that threads can share; `helpers` may be 0. */
export function createTeam(memory: WebAssembly.Memory | undefined, helpers: number): Team | undefined {
  return memory === undefined || !isShared(memory) ? undefined : createCrew(memory, helpers);
}

/** The session's side of a team that `createTeam` made. */
export const crewOf = (team: Team | undefined): Crew | undefined => team as Crew | undefined;

function createCrew(memory: WebAssembly.Memory, helpers: number): Crew {
  const control = new SharedArrayBuffer(4 * firstWord(helpers + 1));
  const code = new SharedArrayBuffer(CODE_BYTES);
  const words = new Int32Array(control);
  const places = new Int32Array(code, 0, 2 * MOST_KERNELS);
  const sleeps = canSleep();
  const counts = { cut: 0, helped: 0 };
  let kernels = 0;
  let used = places.byteLength;

  const kernel = (module: Uint8Array<ArrayBuffer>, call: WasmFunction): TeamKernel => {
    if (kernels === MOST_KERNELS || used + module.length > CODE_BYTES) return { id: NO_ROOM, call };
    new Uint8Array(code).set(module, used);
    places[2 * kernels] = used;
    places[2 * kernels + 1] = module.length;
    used += module.length;
    return { id: kernels++, call };
  };
  let rest = 0;
  let nextRest = REST.least;
  let helpedAtCall = -1;
  const useless = (): void => {
    rest = nextRest;
    nextRest = Math.min(REST.most, 2 * nextRest);
  };
  /** Calls helpers that sleep; is one awake? */
  const ready = (): boolean => {
    let awake = false;
    for (let p = 1; p <= helpers; p++) {
      const at = firstWord(p) + STATE;
      const state = Atomics.load(words, at);
      if (state === AWAKE) awake = true;
      else if (state === ASLEEP) {
        Atomics.store(words, at, CALLED);
        Atomics.notify(words, at);
        if (helpedAtCall === counts.helped) useless();
        helpedAtCall = counts.helped;
      }
    }
    return awake;
  };
  const publish = (id: number, parts: readonly Part[]): number => {
    const generation = (words[GENERATION] + 1) | 0;
    for (let p = 1; p <= helpers; p++) {
      const at = firstWord(p);
      const part = parts[p];
      if (part === undefined) {
        Atomics.store(words, at + CLAIMED, generation);
        continue;
      }
      const { parameters } = part;
      words[at + KERNEL] = id;
      words[at + COUNT] = parameters.length;
      for (let i = 0; i < parameters.length; i++) words[at + PARAMETERS + i] = parameters[i];
    }
    Atomics.store(words, GENERATION, generation);
    return generation;
  };
  const awaitPart = (at: number, generation: number, until: number): void => {
    for (let looked = 1; Atomics.load(words, at + DONE) !== generation; looked++) {
      if (!sleeps || looked % LOOKS.owner !== 0 || performance.now() < until) continue;
      useless();
      const done = Atomics.load(words, at + DONE);
      Atomics.store(words, at + AWAITED, 1);
      if (done !== generation) Atomics.wait(words, at + DONE, done);
      Atomics.store(words, at + AWAITED, 0);
    }
  };
  const run = ({ id, call }: TeamKernel, { whole, parts }: Shared): number => {
    const done = ({ parameters, weight }: Part): number => weight * call(...parameters);
    if (parts.length === 1 || id === NO_ROOM || rest > 0) {
      rest = Math.max(0, rest - 1);
      return done(whole);
    }
    if (!ready()) return done(whole);
    const generation = publish(id, parts);
    counts.cut += 1;
    const before = counts.helped;
    const begun = performance.now();
    let sum = done(parts[0]);
    const own = performance.now() - begun;
    // Parts are about as large as one another: what takes half as long again has been put aside.
    const until = begun + 1.5 * own;
    for (let p = 1; p < parts.length; p++) {
      const at = firstWord(p);
      const free = (generation - 1) | 0;
      if (Atomics.compareExchange(words, at + CLAIMED, free, generation) === free) {
        sum += done(parts[p]);
        continue;
      }
      awaitPart(at, generation, until);
      sum += parts[p].weight * words[at + RESULT];
      counts.helped += 1;
    }
    if (counts.helped === before) useless();
    else nextRest = Math.max(REST.least, nextRest >> 1);
    return sum;
  };
  for (let p = 1; p <= helpers; p++) words[firstWord(p) + STATE] = CALLED;
  return {
    jobs: Array.from({ length: helpers }, (_, i) => ({ memory, control, code, part: i + 1, looks: LOOKS.helper })),
    counts,
    leastMacs: LEAST_MACS,
    leastVectors: LEAST_VECTORS,
    kernel,
    run,
    end: () => {
      Atomics.store(words, ENDED, 1);
      Atomics.add(words, GENERATION, 1);
      ready();
    },
  };
}

/** Helps until the team's owner ends it; in a thread of its own, as it sleeps where there is nothing to do. */
export function helpTeam({ memory, control, code, part, looks }: TeamJob): void {
  const words = new Int32Array(control);
  const places = new Int32Array(code, 0, 2 * MOST_KERNELS);
  const kernels: (WasmFunction | undefined)[] = [];
  const at = firstWord(part);
  const kernelOf = (id: number): WasmFunction => {
    const known = kernels[id];
    if (known !== undefined) return known;
    const [from, length] = [places[2 * id], places[2 * id + 1]];
    const made = link(new Uint8Array(code, from, length).slice(), memory);
    kernels[id] = made;
    return made;
  };
  Atomics.store(words, at + STATE, AWAKE);
  for (let seen = 0; ; ) {
    seen = nextGeneration(words, at + STATE, seen, looks);
    if (Atomics.load(words, ENDED) === 1) return;
    // Before the claim: what fails here leaves the part to the session. The kernel is that of the generation if the claim is.
    const kernel = kernelOf(words[at + KERNEL]);
    const free = (seen - 1) | 0;
    if (Atomics.compareExchange(words, at + CLAIMED, free, seen) !== free) continue;
    words[at + RESULT] = kernel(...words.subarray(at + PARAMETERS, at + PARAMETERS + words[at + COUNT]));
    Atomics.store(words, at + DONE, seen);
    if (Atomics.load(words, at + AWAITED) === 1) Atomics.notify(words, at + DONE);
  }
}

/** The generation once it is another than `seen`. */
function nextGeneration(words: Int32Array, state: number, seen: number, looks: number): number {
  for (let looked = 0; ; looked++) {
    const now = Atomics.load(words, GENERATION);
    if (now !== seen) return now;
    if (looked < looks) continue;
    Atomics.store(words, state, ASLEEP);
    if (Atomics.load(words, GENERATION) === seen) Atomics.wait(words, state, ASLEEP);
    Atomics.store(words, state, AWAKE);
    looked = 0;
  }
}
