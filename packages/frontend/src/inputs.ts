import { type Diagnostic, diag } from "@accelc/ir";
import { type ElementType, elementType } from "./element-types.js";
import { type GraphProto, type Int64, toBigInt, type ValueInfoProto } from "./proto.js";
import { MAX_ELEMENTS } from "./tensor.js";

/** An input that the program reads, with every extent known. */
export interface BoundInput {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
}

export interface InputOptions {
  readonly modelName: string;
  /** Shapes by input name; they bind dynamic dimensions and must agree with static ones. */
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>;
  /** Extent for a dynamic first dimension that no shape binds. */
  readonly batch?: number;
}

/** An axis as declared: its extent, or the name ("?" without one) of a dynamic dimension. */
type Declared = number | string;

/** True where the file holds the field: an extent of 0 differs from one that is not given. */
const holds = (d: object, field: string): boolean => Object.hasOwn(d, field);

function declaredShape(info: ValueInfoProto): readonly Declared[] | undefined {
  const dims = info.type?.tensorType?.shape?.dim;
  return dims?.map((d) => {
    const fixed = toBigInt(d.dimValue as Int64 | undefined);
    if (fixed > 0n && fixed <= BigInt(MAX_ELEMENTS)) return Number(fixed);
    if (fixed === 0n && holds(d, "dimValue") && !d.dimParam) return 0;
    return d.dimParam || "?";
  });
}

const list = (shape: readonly unknown[]): string => shape.join(",");

/** Why a given shape does not fit a declared one, if it does not. */
function misfit(given: readonly number[], declared: readonly Declared[] | undefined): string | undefined {
  if (given.some((d) => !Number.isSafeInteger(d) || d < 1)) return "extents must be whole numbers of 1 or more";
  if (!declared) return undefined;
  if (given.length !== declared.length) return `it has rank ${given.length}; the model declares [${list(declared)}]`;
  const axis = declared.findIndex((d, i) => typeof d === "number" && d !== 0 && d !== given[i]);
  return axis < 0 ? undefined : `axis ${axis} is ${given[axis]}; the model declares [${list(declared)}]`;
}

/** Extents that given shapes assign to named dimensions; the first assignment of a name holds. */
function namedExtents(inputs: readonly ValueInfoProto[], shapes: InputOptions["inputShapes"]): Map<string, number> {
  const extents = new Map<string, number>();
  for (const info of inputs) {
    const given = shapes?.[info.name ?? ""];
    declaredShape(info)?.forEach((d, i) => {
      if (typeof d === "string" && d !== "?" && given?.[i] !== undefined && !extents.has(d)) extents.set(d, given[i]!);
    });
  }
  return extents;
}

/** The graph's inputs (initializers listed as such left out) with their shapes, and what is wrong with them. */
export function bindInputs(g: GraphProto, o: InputOptions): { inputs: BoundInput[]; problems: Diagnostic[] } {
  const initializers = new Set((g.initializer ?? []).map((t) => t.name));
  const open = (g.input ?? []).filter((i) => !initializers.has(i.name));
  const problems: Diagnostic[] = [];
  const names = open.map((i) => i.name ?? "");
  const at = { model: o.modelName };
  for (const [input, shape] of Object.entries(o.inputShapes ?? {}))
    if (!names.includes(input))
      problems.push(
        diag(
          "FE2010",
          at,
          { input, shape: list(shape), reason: "there is no such input" },
          `the model's inputs are ${names.join(", ")}`,
        ),
      );
  const extents = namedExtents(open, o.inputShapes);
  const inputs: BoundInput[] = [];
  for (const info of open) {
    const bound = bindOne(info, o, extents);
    if (Array.isArray(bound)) problems.push(...bound);
    else inputs.push(bound);
  }
  return { inputs, problems };
}

function bindOne(
  info: ValueInfoProto,
  o: InputOptions,
  extents: ReadonlyMap<string, number>,
): BoundInput | Diagnostic[] {
  const name = info.name ?? "";
  const at = { model: o.modelName };
  const tensor = info.type?.tensorType;
  const type = elementType(tensor?.elemType);
  if (!tensor || type.dtype === undefined) {
    const reason = tensor ? (type.reason ?? type.name) : "it is not a tensor";
    return [diag("FE2011", at, { input: name, reason }, "the model's inputs must be tensors of numbers")];
  }
  const declared = declaredShape(info);
  const given = o.inputShapes?.[name];
  if (given) {
    const reason =
      misfit(given, declared) ??
      declared?.flatMap((d, i) =>
        typeof d === "string" && d !== "?" && extents.get(d) !== given[i] ? [conflict(d, extents)] : [],
      )[0];
    if (reason === undefined) return { name, type, shape: given };
    const hint = declared ? `the model declares [${list(declared)}]` : "give one extent per axis";
    return [diag("FE2010", at, { input: name, shape: list(given), reason }, hint)];
  }
  if (!declared)
    return [diag("FE2011", at, { input: name, reason: "it has no shape" }, `give one with --input-shape ${name}=…`)];
  const shape = declared.map((d, i) =>
    typeof d === "number"
      ? d === 0 && i === 0
        ? (o.batch ?? d)
        : d
      : (extents.get(d) ?? (i === 0 ? o.batch : undefined) ?? d),
  );
  const example = shape.map((d) => (typeof d === "number" ? d : 1));
  const open = shape.flatMap((d, axis) =>
    typeof d === "number"
      ? []
      : [
          diag(
            "FE2009",
            at,
            { input: name, dimension: d, axis },
            `bind it, for instance with --input-shape ${name}=${list(example)}`,
          ),
        ],
  );
  return open.length > 0 ? open : { name, type, shape: shape as number[] };
}

const conflict = (name: string, extents: ReadonlyMap<string, number>): string =>
  `dimension ${name} is ${extents.get(name)} in another input`;
