import { basename } from "node:path";
import { type CompileOptions, compile } from "@accelc/compiler";
import { EmulatorError, load, Trap } from "@accelc/emulator";
import { encodeModel, importProto, type ModelProto } from "@accelc/frontend";
import { AccelcError } from "@accelc/ir";
import { diagnosticsOf } from "../exit.js";
import { fromHost, toHostInputs } from "../tensor/host.js";
import type { FileTensor } from "../tensor/npy.js";
import { leastSqnr, operatorOf } from "./classify.js";
import { compareOutput } from "./compare.js";
import { rangesOf } from "./ranges.js";
import { type DataSet, readVector, type Vector } from "./vector.js";

export type Verdict = "passed" | "failed" | "unsupported";

export interface CaseResult {
  readonly name: string;
  readonly operator: string;
  readonly result: Verdict;
  /** Code and message of every problem. */
  readonly reasons: readonly string[];
  /** Inputs that the compiler needs to know: bound to the values of the first data set. */
  readonly constants: readonly string[];
  /** Least SQNR of the float outputs in dB; null where there is none or nothing differs. */
  readonly sqnr: number | null;
}

/** Steps of the emulator one data set may take. */
const MAX_STEPS = 2e8;
const MAX_REASON = 300;

class Stop extends Error {
  constructor(
    readonly result: Verdict,
    readonly reasons: readonly string[],
  ) {
    super(reasons.join("; "));
  }
}

const shorten = (s: string): string => {
  const line = s.replace(/\s+/g, " ").trim();
  return line.length > MAX_REASON ? `${line.slice(0, MAX_REASON - 1)}…` : line;
};

/** A refusal with a code is honest; a trap, an internal error and anything unexpected are failures. */
function verdictOf(e: unknown): Stop {
  if (e instanceof Stop) return e;
  if (e instanceof Trap || (e instanceof EmulatorError && e.code !== "EM1007"))
    return new Stop("failed", [shorten(`${e.message}`)]);
  const diagnostics = diagnosticsOf(e);
  if (diagnostics)
    return new Stop("unsupported", [...new Set(diagnostics.map((d) => shorten(`${d.code}: ${d.message}`)))]);
  const error = e instanceof Error ? e : new Error(String(e));
  return new Stop("failed", [shorten(`internal error: ${error.message}`)]);
}

/** The tensors of a data set; a sequence, an optional or a string is not supported. */
function tensorsOf(map: DataSet["inputs"], kind: string): Map<string, FileTensor> {
  const out = new Map<string, FileTensor>();
  for (const [name, t] of map) {
    if (typeof t === "string") throw new Stop("unsupported", [shorten(`${kind} ${name} cannot be read: ${t}`)]);
    out.set(name, t);
  }
  return out;
}

const isInteger = (t: DataSet["inputs"] extends ReadonlyMap<string, infer T> ? T : never): boolean =>
  typeof t !== "string" && !t.type.includes("float");
const isSingle = (t: DataSet["inputs"] extends ReadonlyMap<string, infer T> ? T : never): boolean =>
  typeof t !== "string" && t.data.length === 1;

/** Operators whose inputs are all parameters, not data. */
const GENERATORS = /^(BlackmanWindow|ConstantOfShape|HammingWindow|HannWindow|If|Loop|Range)$/;

/** Which inputs to bind, from none up: integers behind the first input, single numbers, all but the first. What has no elements always is. */
function ladder({ inputs }: DataSet, operator: string): string[][] {
  const rest = [...inputs].slice(1);
  const empty = [...inputs].filter(([, t]) => typeof t !== "string" && t.data.length === 0).map(([name]) => name);
  const integers = rest.filter(([, t]) => isInteger(t)).map(([name]) => name);
  const numbers = rest.filter(([, t]) => isInteger(t) || isSingle(t)).map(([name]) => name);
  const steps = [[], integers, numbers, rest.map(([name]) => name)];
  if (GENERATORS.test(operator)) steps.push([...inputs.keys()]);
  const all = steps.map((s) => [...new Set([...empty, ...s])]);
  return all.filter((s, i) => i === 0 || s.length > all[i - 1]!.length);
}

function bind(model: ModelProto, constants: readonly string[], { protos }: DataSet): ModelProto {
  const graph = model.graph!;
  const initializer = [...(graph.initializer ?? []), ...constants.flatMap((name) => protos.get(name) ?? [])];
  const input = (graph.input ?? []).filter((p) => !constants.includes(p.name ?? ""));
  return { ...model, graph: { ...graph, input, initializer } };
}

/** Shapes of the inputs whose extents the model leaves open. */
function shapesFor(model: ModelProto, tensors: ReadonlyMap<string, FileTensor>): Record<string, readonly number[]> {
  const open = (model.graph?.input ?? []).filter((p) => {
    const dims = p.type?.tensorType?.shape?.dim;
    return !dims || dims.some((d) => !Object.hasOwn(d, "dimValue"));
  });
  return Object.fromEntries(
    open.flatMap((p) => {
      const t = tensors.get(p.name ?? "");
      return t ? [[p.name ?? "", t.shape] as const] : [];
    }),
  );
}

const without = <T>(map: ReadonlyMap<string, T>, names: readonly string[]): Map<string, T> =>
  new Map([...map].filter(([name]) => !names.includes(name)));

/** Equal shapes are stacked as samples; otherwise the first data set speaks for all. */
function stack(sets: readonly ReadonlyMap<string, FileTensor>[]): Record<string, FileTensor> {
  const [first, ...rest] = sets as readonly [ReadonlyMap<string, FileTensor>, ...ReadonlyMap<string, FileTensor>[]];
  const alike = [...first].every(([name, t]) => rest.every((s) => s.get(name)?.shape.join() === t.shape.join()));
  return Object.fromEntries(
    [...first].map(([name, t]) => {
      if (rest.length === 0 || !alike || t.shape.length === 0) return [name, t];
      const data = t.data.slice(0, 0).constructor as new (n: number) => FileTensor["data"];
      const all = new data(t.data.length * sets.length);
      sets.forEach((s, k) => {
        all.set(s.get(name)!.data as never, k * t.data.length);
      });
      return [name, { ...t, shape: [t.shape[0]! * sets.length, ...t.shape.slice(1)], data: all }];
    }),
  );
}

interface Compiled {
  readonly elf: Uint8Array;
  readonly constants: readonly string[];
}

async function compileBound(v: Vector, constants: readonly string[], check: () => void): Promise<Uint8Array> {
  const inputs = v.sets.map((s) => without(tensorsOf(s.inputs, "input"), constants));
  const bytes = encodeModel(bind(v.proto, constants, v.sets[0]!));
  const inputShapes = shapesFor(v.proto, inputs[0]!);
  const options: CompileOptions = { modelName: v.name, inputShapes, onStage: check };
  try {
    return (await compile(bytes, { ...options, calibration: stack(inputs) })).elf;
  } catch (e) {
    if (!(e instanceof AccelcError) || e.code !== "CL1005") throw e;
    const expected = v.sets.map((s) => tensorsOf(s.outputs, "output"));
    const table = await rangesOf(bytes, v.name, inputShapes, inputs, expected);
    return (await compile(bytes, { ...options, calibTable: { file: `${v.name} itself`, table } })).elf;
  }
}

/** What a value known at compile time may cure. */
const needsConstant = (e: unknown): e is AccelcError =>
  e instanceof AccelcError &&
  e.diagnostics.some((d) => /constant|run time|is computed/.test(d.message)) &&
  !e.diagnostics.some((d) => d.code === "FE1001");

/** Compiles with as few inputs bound as possible. Throws what was said at the last attempt. */
async function compileCase(v: Vector, check: () => void): Promise<Compiled> {
  // Says at once what is unsupported where an input is no tensor.
  if (v.sets[0]!.inputs.size === 0 || [...v.sets[0]!.inputs.values()].some((t) => typeof t === "string"))
    await importProto(v.proto, { modelName: v.name, batch: 1 });
  const steps = ladder(v.sets[0]!, operatorOf(v.proto));
  let refusal: unknown;
  for (const constants of steps) {
    try {
      return { elf: await compileBound(v, constants, check), constants };
    } catch (e) {
      refusal = e;
      if (!needsConstant(e)) break;
    }
  }
  throw refusal;
}

interface Compared {
  readonly problems: readonly string[];
  readonly sqnr: number;
}

function runSet(
  elf: Uint8Array,
  set: DataSet,
  constants: readonly string[],
  least: number,
  check: () => void,
): Compared {
  const inputs = without(tensorsOf(set.inputs, "input"), constants);
  const { outputs } = load(elf).run(toHostInputs(inputs), { maxSteps: MAX_STEPS, onBlockEnd: check });
  const problems: string[] = [];
  let worst = Number.POSITIVE_INFINITY;
  for (const [name, want] of tensorsOf(set.outputs, "output")) {
    const got = outputs[name];
    const c = got ? compareOutput(name, fromHost(got), want, least) : { problem: `output ${name} is missing` };
    if (c.problem !== undefined) problems.push(c.problem);
    if (c.sqnr !== undefined) worst = Math.min(worst, c.sqnr);
  }
  return { problems, sqnr: worst };
}

interface Found {
  operator: string;
  constants: readonly string[];
}

async function examine(folder: string, name: string, found: Found, check: () => void): Promise<number> {
  const v = readVector(folder, name);
  found.operator = operatorOf(v.proto);
  if (v.sets.length === 0) throw new Stop("unsupported", ["the folder has no test_data_set_*"]);
  const { elf, constants } = await compileCase(v, check);
  found.constants = constants;
  const least = leastSqnr(v.proto);
  const all = v.sets.map((set) => runSet(elf, set, constants, least, check));
  const problems = [...new Set(all.flatMap((c) => c.problems))];
  if (problems.length > 0) throw new Stop("failed", problems.map(shorten));
  return Math.min(...all.map((c) => c.sqnr));
}

/** Throws at the next stage or block once `limitMs` have passed. */
function timer(limitMs: number): () => void {
  const end = performance.now() + limitMs;
  return () => {
    if (performance.now() > end) throw new Stop("failed", [timeLimit(limitMs)]);
  };
}

export const timeLimit = (limitMs: number): string => `it took more than ${limitMs / 1000} s`;

/**
 * Imports, calibrates, compiles and runs one node vector on each of its data sets and compares the outputs. Throws nothing.
 * `limitMs` is looked at between stages and blocks.
 */
export async function runCase(folder: string, limitMs: number): Promise<CaseResult> {
  const name = basename(folder);
  const found: Found = { operator: "?", constants: [] };
  try {
    const sqnr = await examine(folder, name, found, timer(limitMs));
    return { name, ...found, result: "passed", reasons: [], sqnr: Number.isFinite(sqnr) ? sqnr : null };
  } catch (e) {
    const { result, reasons } = verdictOf(e);
    return { name, ...found, result, reasons, sqnr: null };
  }
}
