import { isShared } from "../arena.js";
import { link, type WasmFunction } from "./wasm.js";

/**
 * Threads that share the multiplications and nests of one session. All is said in a control block of shared memory: a generation
 * number that grows with every piece of work, and per part of the work a kernel, its parameters, who claimed it and
 * whether it is done. Part 0 is the session's own. It calls helpers that sleep once the work is there for them to find; a part
 * that its helper has not claimed when the session is done with its own, the session does too. So a helper that sleeps, or
 * has not come yet, costs nothing but its help.
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
/** `BEAT` grows as the session begins a piece of work, is done with its part, and with all of it: the sign that it runs. */
const [GENERATION, BEAT, ENDED] = [0, 1, LINE];
const firstWord = (part: number): number => (2 + part) * LINE;
const [CLAIMED, DONE, AWAITED, RESULT, KERNEL, COUNT, PARAMETERS, ALONE, STATE] = [
  0,
  1,
  2,
  3,
  4,
  5,
  6,
  LINE - 2,
  LINE - 1,
];
/** Of a helper: it looks for work; it sleeps; it was called, or has not come yet. `ALONE` is 1 where it slept for want of a sign of the session. */
const [AWAKE, ASLEEP, CALLED] = [0, 1, 2];

/** Room for the modules of kernels: positions and lengths, then bytes. A kernel without room is the session's alone. */
const MOST_KERNELS = 1024;
const CODE_BYTES = 1 << 22;
const NO_ROOM = -1;

const LEAST_MACS = 2 ** 17;
const LEAST_VECTORS = 512;

/**
 * Looks at a word before a helper goes to sleep: half a millisecond, so that it is awake between tiles, a tenth of it without a
 * sign of the session; and before the session looks at the clock.
 */
const LOOKS = { helper: 100_000, owner: 5_000 };

/**
 * For how long the session works alone after a helper was of no use, being put aside by a busy host: where to wake it takes
 * this thread's core. Milliseconds after it did not come, twice as long each time, half as long after each piece with help;
 * and so many times as long as it was late with its part, so that waiting costs no more than a thirtieth.
 */
const REST = { least: 0.25, most: 32, late: 32 };

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
  let restsUntil = 0;
  let nextRest = REST.least;
  let helpedAtCall = -1;
  const useless = (): void => {
    restsUntil = performance.now() + nextRest;
    nextRest = Math.min(REST.most, 2 * nextRest);
  };
  /** May helpers be of use: is one awake, or does one sleep that was of use when it was last called, or has been let sleep since? */
  const available = (): "awake" | "asleep" | undefined => {
    let found: "awake" | "asleep" | undefined;
    for (let p = 1; p <= helpers; p++) {
      const state = Atomics.load(words, firstWord(p) + STATE);
      if (state === AWAKE) return "awake";
      if (state !== ASLEEP) continue;
      found = "asleep";
      if (Atomics.exchange(words, firstWord(p) + ALONE, 0) === 1) helpedAtCall = counts.helped;
    }
    if (found === undefined || helpedAtCall !== counts.helped) return found;
    helpedAtCall = -1;
    useless();
    return undefined;
  };
  /** After the work is published: on a busy host a helper may take this thread's core at once. */
  const callHelpers = (): void => {
    for (let p = 1; p <= helpers; p++) {
      const at = firstWord(p) + STATE;
      if (Atomics.compareExchange(words, at, ASLEEP, CALLED) !== ASLEEP) continue;
      helpedAtCall = counts.helped;
      Atomics.notify(words, at);
    }
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
  /** @param due when the session, having begun as it found the part claimed, would have done it itself */
  const awaitPart = (at: number, generation: number, due: number, until: number): void => {
    for (let looked = 1; Atomics.load(words, at + DONE) !== generation; looked++) {
      if (!sleeps || looked % LOOKS.owner !== 0 || performance.now() < until) continue;
      const done = Atomics.load(words, at + DONE);
      Atomics.store(words, at + AWAITED, 1);
      if (done !== generation) Atomics.wait(words, at + DONE, done);
      Atomics.store(words, at + AWAITED, 0);
      restsUntil = performance.now() + REST.late * (performance.now() - due);
    }
  };
  const run = ({ id, call }: TeamKernel, { whole, parts }: Shared): number => {
    const done = ({ parameters, weight }: Part): number => weight * call(...parameters);
    Atomics.add(words, BEAT, 1);
    if (parts.length === 1 || id === NO_ROOM) return done(whole);
    const begun = performance.now();
    const helper = begun < restsUntil ? undefined : available();
    if (helper === undefined) return done(whole);
    const generation = publish(id, parts);
    callHelpers();
    counts.cut += 1;
    const before = counts.helped;
    let sum = done(parts[0]);
    Atomics.add(words, BEAT, 1);
    const finished = performance.now();
    // Parts are about as large as one another: what takes half as long again, begun as late as can be, has been put aside.
    const due = finished + (finished - begun);
    const until = due + 0.5 * (finished - begun);
    for (let p = 1; p < parts.length; p++) {
      const at = firstWord(p);
      const free = (generation - 1) | 0;
      if (Atomics.compareExchange(words, at + CLAIMED, free, generation) === free) {
        sum += done(parts[p]);
        continue;
      }
      awaitPart(at, generation, due, until);
      sum += parts[p].weight * words[at + RESULT];
      counts.helped += 1;
    }
    Atomics.add(words, BEAT, 1);
    if (counts.helped > before && helper === "awake") nextRest = Math.max(REST.least, nextRest / 2);
    else if (counts.helped === before && helper === "awake") useless();
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
      callHelpers();
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
  for (let seen = 0, beat = 0, patience = 0; ; ) {
    seen = nextGeneration(words, at, seen, looks, beat, patience);
    patience = 0;
    beat = Atomics.load(words, BEAT);
    if (Atomics.load(words, ENDED) === 1) return;
    // Before the claim: what fails here leaves the part to the session. The kernel is that of the generation if the claim is.
    const kernel = kernelOf(words[at + KERNEL]);
    const free = (seen - 1) | 0;
    const begun = performance.now();
    if (Atomics.compareExchange(words, at + CLAIMED, free, seen) !== free) continue;
    words[at + RESULT] = kernel(...words.subarray(at + PARAMETERS, at + PARAMETERS + words[at + COUNT]));
    Atomics.store(words, at + DONE, seen);
    if (Atomics.load(words, at + AWAITED) === 1) Atomics.notify(words, at + DONE);
    patience = performance.now() - begun;
  }
}

/**
 * The generation once it is another than `seen`. A helper that sees no sign of the session goes to sleep after a tenth of its
 * looks: it may be the one that keeps it from running.
 *
 * @param beat what the session had done as the helper began its part
 * @param patience milliseconds that the session may take longer with its part
 */
function nextGeneration(
  words: Int32Array,
  at: number,
  seen: number,
  looks: number,
  beat: number,
  patience: number,
): number {
  let until = performance.now() + patience;
  let known = beat;
  let alone = 1;
  for (let looked = 0; ; looked++) {
    const now = Atomics.load(words, GENERATION);
    if (now !== seen) return now;
    if (alone === 1 && Atomics.load(words, BEAT) !== known) alone = 0;
    if (looked < (alone === 1 ? looks / 10 : looks) || (alone === 1 && performance.now() < until)) continue;
    Atomics.store(words, at + ALONE, alone);
    Atomics.store(words, at + STATE, ASLEEP);
    if (Atomics.load(words, GENERATION) === seen) Atomics.wait(words, at + STATE, ASLEEP);
    Atomics.store(words, at + STATE, AWAKE);
    [looked, alone, until, known] = [0, 1, 0, Atomics.load(words, BEAT)];
  }
}
