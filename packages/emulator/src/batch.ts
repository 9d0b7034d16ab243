import type { IoTable, TensorPlace } from "@accelc/isa";
import { ELEMENT_TYPES, type HostData } from "./element-types.js";
import { EmulatorError, emulatorError, Trap, type TrapLocation } from "./errors.js";
import type { HostTensor } from "./host-tensors.js";
import { checkInputs, type HostInputs } from "./inputs.js";
import { elementCount } from "./layout.js";
import type { Profile } from "./profile.js";
import type { Stats } from "./stats.js";

/**
 * The samples of one call, to be run by one session or by several at once: whoever is free claims the next one. Where it
 * was made to be shared, its tensors lie in shared memory and it can be posted to other threads.
 */
export interface Batch {
  readonly samples: number;
  readonly inputs: HostInputs;
  /** Filled sample by sample, each by the session that claimed it. */
  readonly outputs: Readonly<Record<string, HostTensor>>;
  /** [0] samples claimed; [1] the lowest sample that failed, or `samples`. */
  readonly state: Int32Array;
  /** Is the last sample the first to be claimed? Else they come in order. */
  readonly lastFirst: boolean;
}

export interface BatchOptions {
  /** To be posted to other threads: copies the inputs into shared memory. */
  readonly shared?: boolean;
  /** The session that begins runs the last sample, whose tensors it then holds. */
  readonly lastFirst?: boolean;
}

/** Checks the inputs. Throws EmulatorError EM1007, EM1011. */
export function createBatch(io: IoTable, inputs: HostInputs, options: BatchOptions = {}): Batch {
  const { shared = false, lastFirst = false } = options;
  const samples = checkInputs(io.inputs, inputs);
  const bytes = io.outputs.reduce((sum, place) => sum + samples * outputBytes(place), 0);
  if (bytes > MOST_OUTPUT_BYTES) throw emulatorError("outputs", { samples, bytes, limit: MOST_OUTPUT_BYTES });
  const outputs = io.outputs.map((place) => [place.name, emptyOutput(place, samples, shared)] as const);
  return {
    samples,
    inputs: shared ? Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, sharedCopy(t)])) : inputs,
    outputs: Object.fromEntries(outputs),
    state: firstState(samples, shared),
    lastFirst,
  };
}

const MOST_OUTPUT_BYTES = 2 ** 32;
const outputBytes = ({ elementType, shape }: TensorPlace): number =>
  elementCount(shape) * ELEMENT_TYPES[elementType].make(0).BYTES_PER_ELEMENT;

function firstState(samples: number, shared: boolean): Int32Array {
  const state = new Int32Array(shared ? new SharedArrayBuffer(8) : new ArrayBuffer(8));
  state[1] = samples;
  return state;
}

type Constructor = new (buffer: SharedArrayBuffer) => HostData;

/** As many zeros in shared memory. */
const sharedLike = (data: HostData): HostData =>
  new (data.constructor as Constructor)(new SharedArrayBuffer(data.byteLength));

function sharedCopy(t: HostTensor): HostTensor {
  const data = sharedLike(t.data);
  (data as { set(from: unknown): void }).set(t.data);
  return { ...t, data };
}

function emptyOutput({ elementType, shape }: TensorPlace, samples: number, shared: boolean): HostTensor {
  const { make } = ELEMENT_TYPES[elementType];
  const n = samples * elementCount(shape);
  const stacked = samples === 1 ? shape : shape.length === 0 ? [samples] : [shape[0] * samples, ...shape.slice(1)];
  if (!shared) return { type: elementType, shape: stacked, data: make(n) };
  const none = make(0);
  const data = new (none.constructor as Constructor)(new SharedArrayBuffer(n * none.BYTES_PER_ELEMENT));
  return { type: elementType, shape: stacked, data };
}

/** The next sample to run, or undefined where none is left or a sample before all that are left has failed. */
export function claim(batch: Batch): number | undefined {
  const { samples, state, lastFirst } = batch;
  const n = Atomics.add(state, 0, 1);
  if (n >= samples) return undefined;
  const sample = lastFirst ? (n + samples - 1) % samples : n;
  return sample > Atomics.load(state, 1) ? undefined : sample;
}

/** Notes that a sample failed; those behind it need not run. */
function noteFailure({ state }: Batch, sample: number): void {
  for (let known = Atomics.load(state, 1); sample < known; ) {
    known = Atomics.compareExchange(state, 1, known, sample);
  }
}

/** An EmulatorError as data, for another thread. */
export interface Failure {
  readonly sample: number;
  readonly code: string;
  /** Of a trap without its code and place. */
  readonly message: string;
  readonly hint: string;
  readonly location: string | undefined;
  readonly trap: TrapLocation | undefined;
}

/** Notes the error of a sample; what is no EmulatorError is thrown again. */
export function failureOf(batch: Batch, sample: number, e: unknown): Failure {
  if (!(e instanceof EmulatorError)) throw e;
  noteFailure(batch, sample);
  const { code, hint, location } = e;
  if (!(e instanceof Trap)) return { sample, code, message: e.message, hint, location, trap: undefined };
  const { address, block, node, op } = e;
  return { sample, code, message: e.detail, hint, location, trap: { address, block, node, op } };
}

const errorOf = ({ code, message, hint, location, trap }: Failure): EmulatorError =>
  trap === undefined ? new EmulatorError(code, message, hint, location) : new Trap(code, message, trap, hint);

/** What one session did of a batch; it can be posted to another thread. */
export interface Work {
  /** Samples it ran. */
  readonly ran: number;
  readonly failure: Failure | undefined;
  /** Of the last sample, where it ran that one. */
  readonly stats: Stats | undefined;
  readonly profile: Profile | undefined;
}

export interface RunResult {
  readonly outputs: Readonly<Record<string, HostTensor>>;
  readonly samples: number;
  /** Of the last sample; the counts do not depend on activations, except active MACs where activations are weights. */
  readonly stats: Stats;
  /** Where the run was profiled: of the session that ran the last sample, over all samples it ran. */
  readonly profile?: Profile;
}

/**
 * What the sessions that shared a batch give together, which is what one alone gives. Throws the error of the first sample
 * that failed.
 */
export function batchResult(batch: Batch, works: readonly Work[]): RunResult {
  const failures = works.flatMap((w) => w.failure ?? []).sort((a, b) => a.sample - b.sample);
  if (failures.length > 0) throw errorOf(failures[0]);
  const last = works.find((w) => w.stats !== undefined);
  if (last?.stats === undefined) throw new Error("a batch whose last sample nobody ran");
  const { outputs, samples } = batch;
  const profile = last.profile === undefined ? {} : { profile: last.profile };
  return { outputs, samples, stats: last.stats, ...profile };
}
