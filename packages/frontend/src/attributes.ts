import { type Diagnostic, diag, type Loc } from "@accelc/ir";
import {
  type AttributeProto,
  type GraphProto,
  type Int64,
  type NodeProto,
  type TensorProto,
  toBigInt,
  toNumber,
} from "./proto.js";

/** AttributeProto.AttributeType. */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  1: "float",
  2: "int",
  3: "string",
  4: "tensor",
  5: "graph",
  6: "floats",
  7: "ints",
  8: "strings",
  9: "tensors",
  10: "graphs",
  11: "sparse_tensor",
  12: "sparse_tensors",
  13: "type_proto",
  14: "type_protos",
};

/** Why a value does not fit; the attribute's text for the message. */
export class Misfit {
  constructor(
    readonly value: string,
    readonly reason: string,
  ) {}
}

/** How one attribute is read. `absent` stands for an attribute that is not given; without it, the attribute is required. */
export interface AttributeKind<T> {
  readonly type: string;
  readonly absent?: () => T;
  read(a: AttributeProto): T | Misfit;
}

export type Schema = Readonly<Record<string, AttributeKind<unknown>>>;
export type Values<S extends Schema> = { readonly [K in keyof S]: S[K] extends AttributeKind<infer T> ? T : never };

const decoder = new TextDecoder();
const textOf = (a: AttributeProto): string => decoder.decode(a.s ?? new Uint8Array());
const numbers = (a: AttributeProto): number[] => (a.ints ?? []).map((x) => toNumber(x as Int64));

type Absent<T> = T | (() => T);

function kind<T>(type: string, read: (a: AttributeProto) => T | Misfit, absent?: () => T): AttributeKind<T> {
  return { type, read, ...(absent ? { absent } : {}) };
}
const fallback = <T>(given: readonly Absent<T>[]): (() => T) | undefined =>
  given.length > 0 ? () => given[0] as T : undefined;

/** Each takes the value of an absent attribute; without it the attribute is required. */
export const int = (...absent: [number?]) =>
  kind("int", (a) => toNumber(a.i as Int64), fallback<number>(absent as number[]));
export const float = (...absent: [number?]) => kind("float", (a) => a.f ?? 0, fallback<number>(absent as number[]));
export const ints = () => kind<readonly number[]>("ints", numbers);
export const maybeInt = kind<number | undefined>(
  "int",
  (a) => toNumber(a.i as Int64),
  () => undefined,
);
export const maybeInts = kind<readonly number[] | undefined>("ints", numbers, () => undefined);
export const maybeBigInt = kind<bigint | undefined>(
  "int",
  (a) => toBigInt(a.i as Int64),
  () => undefined,
);
export const maybeBigInts = kind<readonly bigint[] | undefined>(
  "ints",
  (a) => (a.ints ?? []).map((x) => toBigInt(x as Int64)),
  () => undefined,
);
export const maybeFloat = kind<number | undefined>(
  "float",
  (a) => a.f ?? 0,
  () => undefined,
);
export const maybeFloats = kind<readonly number[] | undefined>(
  "floats",
  (a) => a.floats ?? [],
  () => undefined,
);
export const maybeTensor = kind<TensorProto | undefined>(
  "tensor",
  (a) => a.t ?? {},
  () => undefined,
);

/** A required graph. */
export const graph = kind<GraphProto>("graph", (a) => a.g ?? {});

/** A required string. */
export const text = kind<string>("string", textOf);
export const maybeText = kind<string | undefined>("string", textOf, () => undefined);
export const maybeTexts = kind<readonly string[] | undefined>(
  "strings",
  (a) => (a.strings ?? []).map((s) => decoder.decode(s)),
  () => undefined,
);

/** 0 or 1. */
export const flag = (absent: boolean) =>
  kind<boolean>(
    "int",
    (a) => {
      const n = toNumber(a.i as Int64);
      return n === 0 || n === 1 ? n === 1 : new Misfit(String(n), "it must be 0 or 1");
    },
    () => absent,
  );

/** One of the given strings; the first stands for an absent attribute. `refused` gives the reason for others that ONNX knows. */
export const choice = <const C extends readonly string[]>(choices: C, refused: Readonly<Record<string, string>> = {}) =>
  kind<C[number]>(
    "string",
    (a) => {
      const s = textOf(a);
      if (choices.includes(s)) return s;
      return new Misfit(JSON.stringify(s), refused[s] ?? `it must be one of ${choices.join(", ")}`);
    },
    () => choices[0]!,
  );

/** An attribute that has no effect on inference, of a given type. */
export const ignored = (type: "int" | "float" | "ints") =>
  kind<undefined>(
    type,
    () => undefined,
    () => undefined,
  );

/** An attribute that ONNX knows and this compiler does not, with the reason. */
export const refused = (type: string, reason: string) =>
  kind<undefined>(
    type,
    () => new Misfit(`a ${type}`, reason),
    () => undefined,
  );

/** An int whose only supported value is `value`. */
export const only = (value: number, reason: string) =>
  kind<undefined>(
    "int",
    (a) => {
      const n = toNumber(a.i as Int64);
      return n === value ? undefined : new Misfit(String(n), reason);
    },
    () => undefined,
  );

function typeOf(a: AttributeProto): string {
  if (a.type) return TYPE_NAMES[a.type] ?? `type ${a.type}`;
  if (a.ints?.length) return "ints";
  if (a.floats?.length) return "floats";
  if (a.t) return "tensor";
  if (a.s?.length) return "string";
  if (a.g) return "graph";
  return a.f ? "float" : "int";
}

const REMEDY = "re-export the model without it, or replace the operator";

/** All attributes of a node by the schema: what is unknown, missing, mistyped or refused is reported, never ignored. */
export function readAttributes<S extends Schema>(
  node: NodeProto,
  schema: S,
  opset: number,
  loc: Loc,
): { values: Values<S>; problems: Diagnostic[] } {
  const values: Record<string, unknown> = {};
  const problems: Diagnostic[] = [];
  const given = new Map<string, AttributeProto>();
  const op = loc.op;
  const misfit = (attribute: string, m: Misfit) =>
    problems.push(
      diag(
        "FE1002",
        loc,
        { attribute, op, value: m.value, reason: m.reason },
        given.has(attribute) ? REMEDY : "give it",
      ),
    );
  for (const a of node.attribute ?? []) {
    const name = a.name ?? "";
    if (given.has(name)) misfit(name, new Misfit("given twice", "an attribute may appear once"));
    given.set(name, a);
    if (!Object.hasOwn(schema, name))
      problems.push(diag("FE1004", loc, { op, attribute: JSON.stringify(name), opset }, REMEDY));
  }
  for (const [name, k] of Object.entries(schema)) {
    const a = given.get(name);
    const value = a ? readOne(a, k) : k.absent ? k.absent() : new Misfit("missing", "it is required");
    if (value instanceof Misfit) misfit(name, value);
    else values[name] = value;
  }
  return { values: values as Values<S>, problems };
}

function readOne(a: AttributeProto, k: AttributeKind<unknown>): unknown {
  if (a.refAttrName) return new Misfit(`a reference to ${a.refAttrName}`, "it has a meaning only inside a function");
  const type = typeOf(a);
  const empty = a.type === undefined || a.type === null || a.type === 0;
  if (type !== k.type && !empty) return new Misfit(`of type ${type}`, `it must be of type ${k.type}`);
  return k.read(a);
}
