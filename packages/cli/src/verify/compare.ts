import type { Engine, ReadTensor, Session } from "@accelc/emulator";
import { type Data, type Graph, type Port, realValues, type TensorType, type ValueId } from "@accelc/ir";
import type { AccelObject, DebugTensor, TensorPlace } from "@accelc/isa";
import { decibelsOf } from "@accelc/passes";

/** A tensor of the ONNX model that the integer graph has, and where the program keeps it, if it does. */
export interface Watched {
  /** ONNX tensor name. */
  readonly name: string;
  /** ONNX node that makes it; empty for a model input. */
  readonly node: string;
  readonly value: ValueId;
  readonly type: TensorType;
  readonly place: DebugTensor | undefined;
}

/** Where integer model and emulator first differ, in execution order. */
export interface Divergence {
  readonly name: string;
  readonly node: string;
  readonly block: number;
  readonly sample: number;
  /** Index along every axis. */
  readonly index: readonly number[];
  readonly integer: number;
  readonly emulator: number;
}

/** Sums over all samples. */
export interface Tally {
  signal: number;
  noise: number;
  /** False once float and integer tensors could not be compared. */
  comparable: boolean;
  mismatches: number;
}

export const newTally = (): Tally => ({ signal: 0, noise: 0, comparable: true, mismatches: 0 });

/** What `place` says about each value: debug tensors by value id, then the model's inputs and outputs. */
function placesOf(g: Graph, object: AccelObject): ReadonlyMap<ValueId, DebugTensor> {
  const places = new Map<ValueId, DebugTensor>(object.debug.tensors.map((t) => [t.name, t]));
  const add = (ports: readonly Port[], table: readonly TensorPlace[], block: number) => {
    for (const p of ports) {
      const place = table.find((t) => t.name === p.name);
      if (place && !places.has(p.value)) places.set(p.value, { ...place, block, node: -1 });
    }
  };
  add(g.inputs, object.io.inputs, 0);
  add(g.outputs, object.io.outputs, object.debug.blocks.length - 1);
  return places;
}

/**
 * Every value of the integer graph that stands for an ONNX tensor or that the program keeps in memory, in graph order, inputs
 * first; the last one of a name counts.
 */
export function watchedTensors(g: Graph, object: AccelObject): Watched[] {
  const out = new Map<string, Watched>();
  const places = placesOf(g, object);
  const watch = (id: ValueId, node: string) => {
    const v = g.values.get(id)!;
    const place = places.get(id);
    if (v.data || (v.source === undefined && !place)) return;
    const name = v.source ?? id;
    out.set(name, { name, node, value: id, type: v.type, place });
  };
  for (const p of g.inputs) watch(p.value, "");
  for (const n of g.nodes) for (const id of n.outputs) watch(id, n.loc.node);
  return [...out.values()];
}

/** Adds the difference between float tensor and dequantized integer tensor. */
export function addNoise(tally: Tally, type: TensorType, float: Data | undefined, integer: Data): void {
  if (!float || float.length !== integer.length) {
    tally.comparable = false;
    return;
  }
  const words = !type.quant && float instanceof Float32Array && integer instanceof Int32Array;
  const values = words
    ? new Float32Array(integer.buffer, integer.byteOffset, integer.length)
    : realValues(type, integer);
  for (let i = 0; i < integer.length; i++) {
    const x = Number(float[i]);
    const y = values[i]!;
    if (Object.is(x, y)) {
      tally.signal += Number.isFinite(x) ? x * x : 0;
      continue;
    }
    const e = x - y;
    tally.signal += x * x;
    tally.noise += e * e;
  }
}

/** Number of differing elements, and the first. Codes, which have no sign, are read as if they had one. */
export function mismatches(integer: Data, raw: Int32Array | BigInt64Array): { count: number; first: number } {
  let [count, first] = [0, -1];
  const mask = integer instanceof Uint16Array ? 0xffff : integer instanceof Uint8Array ? 0xff : -1;
  for (let i = 0; i < raw.length; i++) {
    const stored = mask < 0 ? Number(raw[i]) : Number(raw[i]) & mask;
    if (stored === Number(integer[i])) continue;
    if (count++ === 0) first = i;
  }
  return { count, first };
}

/** Signal over noise in dB; 999 where there is no difference, null where the tensors cannot be compared. */
export const decibels = (t: Tally): number | null => (t.comparable ? Number(decibelsOf(t).toFixed(2)) : null);

export function unravel(at: number, shape: readonly number[]): number[] {
  const out: number[] = [];
  let rest = at;
  for (const n of shape.toReversed()) {
    out.unshift(rest % n);
    rest = Math.floor(rest / n);
  }
  return out;
}

/** Runs one sample and reads every watched tensor right after the block that completes it. */
export function emulate(
  session: Session,
  inputs: Parameters<Session["run"]>[0],
  watched: readonly Watched[],
  engine: Engine = "fast",
): ReadonlyMap<string, ReturnType<ReadTensor>> {
  const out = new Map<string, ReturnType<ReadTensor>>();
  const take = (block: number, read: ReadTensor) => {
    for (const w of watched) if (w.place && Math.max(0, w.place.block) === block) out.set(w.name, read(w.place));
  };
  session.run(inputs, { onBlockEnd: take, engine });
  return out;
}
