import { emitProgram } from "@accelc/codegen";
import { measureOn } from "@accelc/compiler";
import { type Engine, load } from "@accelc/emulator";
import { allocate, type Data, elements, evaluate, type Graph, isMinifloat, type Port, verifyGraph } from "@accelc/ir";
import { type AccelObject, writeElf } from "@accelc/isa";
import { type MachineDescription, machinePreset } from "@accelc/machine";
import { INTEGER_PASSES, type PlanOptions, planBlocks, runPasses } from "@accelc/passes";

export interface Exactness {
  readonly elf: Uint8Array;
  /** Tensors compared, outputs included. */
  readonly tensors: number;
  readonly mismatches: readonly string[];
}

/** Seeded generator (mulberry32), for reproducible data. */
export function random(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function randomData(dtype: Port["elementType"], n: number, next: () => number, low = -128, high = 127): Data {
  const data = allocate(dtype, n);
  for (let i = 0; i < n; i++) {
    const x = low + Math.floor(next() * (high - low + 1));
    data[i] = (data instanceof BigInt64Array ? BigInt(x) : x) as never;
  }
  return data;
}

/** Codes, which have no sign, are read as if they had one. */
function firstDifference(want: ArrayLike<number | bigint>, read: ArrayLike<number | bigint>): string | undefined {
  if (want.length !== read.length) return `${read.length} elements for ${want.length}`;
  const codes = want instanceof Uint16Array ? Uint16Array : want instanceof Uint8Array ? Uint8Array : undefined;
  const got = codes ? codes.from(read as ArrayLike<number>) : read;
  let count = 0;
  let first = -1;
  for (let i = 0; i < want.length; i++)
    if (Number(want[i]) !== Number(got[i])) {
      if (count++ === 0) first = i;
    }
  return count === 0
    ? undefined
    : `${count} of ${want.length} differ, first at ${first}: ${got[first]} for ${want[first]}`;
}

/** The graph with ports of element types that carry its integers: float32 where a grid says what they stand for. */
function rawPorts(g: Graph): Graph {
  const raw = (p: Port): Port => {
    const { dtype, quant } = g.values.get(p.value)!.type;
    return { ...p, elementType: quant ? "float32" : isMinifloat(dtype) ? "int16" : dtype };
  };
  return { ...g, inputs: g.inputs.map(raw), outputs: g.outputs.map(raw) };
}

/** What a user would feed for these stored integers. */
function hostData(graph: Graph, p: Port, stored: Data): Data {
  const { quant } = graph.values.get(p.value)!.type;
  if (!quant) return stored;
  return Float32Array.from(stored as ArrayLike<number>, (q) => quant.scale[0]! * (q - quant.zeroPoint));
}

/** How a seed has its graph mapped: fused or not, by lower bounds or measured for some objective, windows packed or not. */
export function randomOptions(seed: number, machine: MachineDescription): PlanOptions {
  const next = random(seed ^ 0x5eed);
  const pick = <T>(xs: readonly T[]): T => xs[Math.floor(next() * xs.length)]!;
  const measured = { measure: measureOn(machine), budget: pick([1, 2, 4]) };
  const pack = pick([true, false, undefined]);
  return {
    fuse: next() < 0.8,
    objective: pick(["latency", "energy", "edp"] as const),
    ...(next() < 0.3 ? measured : {}),
    ...(pack === undefined ? {} : { pack }),
    ...(next() < 0.5 ? { residency: true } : next() < 0.5 ? { residency: false } : {}),
  };
}

export interface CompiledExact {
  /** The graph with raw ports, and after the passes ahead of the blocks. */
  readonly graph: Graph;
  readonly lowered: Graph;
  readonly object: AccelObject;
  readonly elf: Uint8Array;
}

/** Compiles an integer graph without running it. */
export function compileExact(original: Graph, machine: MachineDescription, options: PlanOptions): CompiledExact {
  const graph = rawPorts(original);
  verifyGraph(graph, "integer", "test");
  const lowered = runPasses(graph, INTEGER_PASSES, { machine });
  const plan = planBlocks(lowered, machine, options);
  const object = emitProgram(plan.program, plan, lowered, machine);
  return { graph, lowered, object, elf: writeElf(object) };
}

/** Compiles an integer graph and compares every tensor that reaches DRAM with the evaluator, to the bit. */
export function checkExact(
  original: Graph,
  seed: number,
  machine: MachineDescription = machinePreset("tandem-32x32"),
  options: PlanOptions = {},
  engine: Engine = "fast",
): Exactness {
  const { graph, lowered, object, elf } = compileExact(original, machine, options);
  const next = random(seed);
  const inputs = new Map(
    graph.inputs.map((p) => {
      const { dtype, shape } = graph.values.get(p.value)!.type;
      return [p.value, randomData(dtype, elements(shape), next)] as const;
    }),
  );
  const want = evaluate(lowered, inputs);
  const specified = evaluate(graph, inputs);
  const session = load(elf, machine).session();
  const mismatches: string[] = [];
  let tensors = 0;
  const host = Object.fromEntries(
    graph.inputs.map((p) => {
      const { shape } = graph.values.get(p.value)!.type;
      return [p.name, { type: p.elementType, shape, data: hostData(graph, p, inputs.get(p.value)!) }];
    }),
  );
  session.run(host as never, {
    engine,
    onBlockEnd: (block, read) => {
      for (const t of object.debug.tensors.filter((t) => t.block === block)) {
        tensors++;
        const d = firstDifference(want.get(t.name)! as never, read(t) as never);
        if (d) mismatches.push(`${t.name} after block ${block}: ${d}`);
      }
    },
  });
  for (const [i, o] of graph.outputs.entries()) {
    tensors++;
    const expected = specified.get(o.value) ?? graph.values.get(o.value)!.data ?? inputs.get(o.value);
    const d = firstDifference(expected as never, session.readTensor(object.io.outputs[i]!) as never);
    if (d) mismatches.push(`output ${o.name}: ${d}`);
  }
  return { elf, tensors, mismatches };
}
