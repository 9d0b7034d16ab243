import { type DType, OPS, type OpAttrs, type OpName } from "@accelc/ir";

type Accepts = (dtype: DType, attrs: unknown) => boolean;
const FLOATS: Accepts = (d) => d === "float32";
const NUMBERS: Accepts = (d) => d !== "bool";
const ANYTHING: Accepts = () => true;
const WHOLE_FUNCTIONS: ReadonlySet<string> = new Set(["abs", "neg", "sign", "floor", "ceil", "round", "square"]);

/** Element types an operation takes at run time, where its class alone does not say. */
const ACCEPTS: { readonly [K in OpName]?: Accepts } = {
  averagePool: FLOATS,
  leakyRelu: FLOATS,
  unary: (d, a) => d === "float32" || (d !== "bool" && WHOLE_FUNCTIONS.has((a as OpAttrs["unary"]).fn)),
  compare: ANYTHING,
  logical: ANYTHING,
  not: ANYTHING,
  where: ANYTHING,
  reduce: (d, a) => d !== "bool" || ["max", "min"].includes((a as OpAttrs["reduce"]).kind),
};

/**
 * Why an operation has no run-time form for an element type, if it has none: products, windows that average and
 * transcendental functions have no integer form, and bools no arithmetic.
 */
export function unrunnable<K extends OpName>(op: K, attrs: OpAttrs[K], dtype: DType): string | undefined {
  const { kind } = OPS[op];
  if (kind === "movement" || kind === "cast" || op === "identity") return undefined;
  const fits = ACCEPTS[op] ?? (kind === "gemm" || kind === "norm" ? FLOATS : NUMBERS);
  if (fits(dtype, attrs)) return undefined;
  return fits === NUMBERS ? "bool tensors have no arithmetic" : "it must be a float tensor at run time";
}
