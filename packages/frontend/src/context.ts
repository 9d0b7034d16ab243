import {
  AccelcError,
  allocate,
  type Code,
  type CodeArgs,
  type Data,
  type DType,
  diag,
  elements,
  FOLD_ELEMENTS,
  type FoldableNode,
  type Folded,
  foldNode,
  type Loc,
  OPS,
  type OpAttrs,
  type OpName,
  type TensorType,
  type Value,
  type ValueId,
} from "@accelc/ir";
import { type ElementType, elementTypeNamed } from "./element-types.js";
import type { GraphProto, NodeProto } from "./proto.js";
import { type Real, realAfter } from "./real.js";
import { unrunnable } from "./runnable.js";
import { COMPUTED_LIMIT, type ImportState } from "./state.js";

const inferred = <K extends OpName>(op: K, values: readonly Value[], attrs: OpAttrs[K]): TensorType | string =>
  OPS[op].infer(
    values.map((v) => v.type),
    attrs,
  );

/** The node an operator row reads, and where it puts its operations. Inputs and outputs are counted from 0. */
export class NodeContext {
  constructor(
    private readonly state: ImportState,
    readonly node: NodeProto,
    readonly loc: Loc,
    readonly opset: number,
  ) {}

  reject<C extends Code>(code: C, args: CodeArgs<C>, hint: string): never {
    throw new AccelcError([diag(code, this.loc, args, hint)]);
  }

  /** FE1002 for an attribute whose value only makes sense beside the inputs. */
  badAttribute(attribute: string, value: string | number, reason: string): never {
    return this.reject(
      "FE1002",
      { attribute, op: this.loc.op, value, reason },
      "re-export the model without it, or replace the operator",
    );
  }

  /** FE1003 for input `i`. */
  badInput(i: number, value: string, reason: string, hint = "check the model, or replace the operator"): never {
    return this.reject("FE1003", { input: this.inputName(i) || `#${i}`, op: this.loc.op, value, reason }, hint);
  }

  /** FE2012. */
  disagree(reason: string): never {
    return this.reject("FE2012", { reason }, "check the model's shapes and attributes");
  }

  /** FE1007. */
  noValue(reason: string): never {
    return this.reject("FE1007", { op: this.loc.op, reason }, "check the model, or replace the operator");
  }

  inputName(i: number): string {
    return this.node.input?.[i] ?? "";
  }

  /** Inputs written, empty ones included. */
  get inputCount(): number {
    return this.node.input?.length ?? 0;
  }

  get outputCount(): number {
    return this.node.output?.length ?? 0;
  }

  has(i: number): boolean {
    return this.inputName(i) !== "";
  }

  input(i: number): ValueId {
    const id = this.state.tensors.get(this.inputName(i));
    return id ?? this.badInput(i, "missing", "it is required");
  }

  /** All inputs; none may be left out. */
  allInputs(): ValueId[] {
    return Array.from({ length: this.inputCount }, (_, i) => this.input(i));
  }

  value(id: ValueId): Value {
    return this.state.builder.value(id);
  }

  shape(id: ValueId): readonly number[] {
    return this.value(id).type.shape;
  }

  dtype(id: ValueId): DType {
    return this.value(id).type.dtype;
  }

  isConstant(id: ValueId): boolean {
    return this.value(id).data !== undefined;
  }

  /** The value of output `i`, which a node has by now. */
  output(i: number): ValueId {
    return this.state.tensors.get(this.node.output?.[i] ?? "")!;
  }

  /** The elements of input `i`, which must be constant. */
  constantInput(i: number): Value & { readonly data: Data } {
    const v = this.value(this.input(i));
    if (v.data === undefined)
      this.badInput(i, "computed at run time", `${this.loc.op} needs it as a constant`, "make it an initializer");
    return v as Value & { readonly data: Data };
  }

  /** A constant integer input as numbers, clamped to ±(2^53 - 1). */
  intsInput(i: number): number[] {
    const { data, type } = this.constantInput(i);
    if (type.dtype === "float32") this.badInput(i, type.dtype, "it must be an integer tensor");
    const limit = Number.MAX_SAFE_INTEGER;
    return Array.from(data as ArrayLike<number | bigint>, (x) => Math.min(limit, Math.max(-limit, Number(x))));
  }

  /** A constant input that decides a shape, as numbers. */
  shapeInput(i: number): number[] {
    if (!this.isConstant(this.input(i)))
      this.reject(
        "FE2013",
        { tensor: this.node.output?.[0] ?? "" },
        `input ${this.inputName(i)} must be computable from constants and static shapes; fix the model's input shapes`,
      );
    return this.intsInput(i);
  }

  /** The number in a constant input of one element. */
  scalarInput(i: number): number {
    const { data, type } = this.constantInput(i);
    if (data.length !== 1) this.badInput(i, `of shape [${type.shape.join(",")}]`, "it must hold one element");
    return Number(data[0]);
  }

  /** Every value must have the element type of the first. */
  sameTypes(ids: readonly ValueId[]): void {
    const types = ids.map((id) => this.dtype(id));
    if (types.some((t) => t !== types[0])) this.noValue(`its operands have the element types ${types.join(" and ")}`);
  }

  /** The ONNX element type of input `i`, as far as it is known; else the graph's. */
  elementType(i: number): ElementType {
    return this.state.elementTypes.get(this.inputName(i)) ?? elementTypeNamed(this.dtype(this.input(i)));
  }

  /** Says what ONNX element type output 0 has. */
  declareType(type: ElementType): void {
    this.state.elementTypes.set(this.node.output?.[0] ?? "", type);
  }

  /** True where output `i` has a name that something reads. */
  outputRead(i: number): boolean {
    const name = this.node.output?.[i] ?? "";
    return name !== "" && this.state.read.has(name);
  }

  /** Rejects a node whose optional output `i` is read. */
  refuseOutput(i: number, reason: string): void {
    if (!this.outputRead(i)) return;
    const output = this.node.output![i]!;
    this.reject("FE1005", { output, op: this.loc.op, reason }, "re-export the model without that output");
  }

  private derived(hint: string): string {
    const base = `${this.node.output?.find((o) => o !== "") ?? this.loc.node}/${hint}`;
    let name = base;
    for (let n = 1; this.state.reserved.has(name) || this.state.builder.has(name); n++) name = `${base}.${n}`;
    return name;
  }

  private place(hint: string, output: number | undefined): { id: string; source?: string } {
    const name = output === undefined ? undefined : (this.node.output?.[output] ?? "");
    return name && !this.state.nested ? { id: name, source: name } : { id: this.derived(hint) };
  }

  private record(id: ValueId, output: number | undefined): ValueId {
    const name = output === undefined ? "" : (this.node.output?.[output] ?? "");
    if (name) this.state.tensors.set(name, id);
    return id;
  }

  /** Constant operands fold, and what has no elements is a constant. */
  private emit<K extends OpName>(
    op: K,
    inputs: readonly ValueId[],
    attrs: OpAttrs[K],
    output: number | undefined,
  ): ValueId {
    const values = inputs.map((id) => this.value(id));
    const at = this.place(op, output);
    if (values.every((v) => v.data !== undefined)) {
      const folded = foldNode({ op, attrs } as unknown as FoldableNode, values);
      if (folded) return this.keep(folded, at, output);
      this.refuseFold(op, values, attrs);
    }
    this.requireRunnable(op, inputs, attrs);
    const type = inferred(op, values, attrs);
    if (typeof type !== "string" && elements(type.shape) === 0)
      return this.keep({ type, data: allocate(type.dtype, 0) }, at, output);
    const meant = realAfter(this, op, inputs, attrs);
    const id = this.record(this.state.builder.add(op, inputs, attrs, this.loc, at), output);
    if (meant) this.state.reals.set(id, meant);
    return id;
  }

  /** What a computed integer tensor stands for, where a quantizer or a sum of products gave it. */
  real(id: ValueId): Real | undefined {
    return this.state.reals.get(id);
  }

  /** Says that the integers of `id` are codes: real = scale * (code - zero). */
  means(id: ValueId, real: Real): void {
    if (!this.isConstant(id)) this.state.reals.set(id, real);
  }

  /** Constants that do not fold are too large or have no value; types that do not agree are left to the builder. */
  private refuseFold<K extends OpName>(op: K, values: readonly Value[], attrs: OpAttrs[K]): void {
    const type = inferred(op, values, attrs);
    if (typeof type === "string") return;
    const size = elements(type.shape);
    if (size > FOLD_ELEMENTS) this.tooLarge(`one has the shape [${type.shape.join(",")}]`);
    if (OPS[op].kind === "gemm" || OPS[op].kind === "window") this.tooLarge(`${op} on constants takes too many steps`);
    this.noValue("it has no value on these constants");
  }

  private tooLarge(reason: string): never {
    return this.reject("FE2014", { reason }, "store large constants as initializers or external data");
  }

  private requireRunnable<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K]): void {
    const odd = inputs.find((id) => unrunnable(op, attrs, this.dtype(id)) !== undefined);
    if (odd === undefined) return;
    const i = (this.node.input ?? []).findIndex((name) => this.state.tensors.get(name) === odd);
    const dtype = this.dtype(odd);
    this.badInput(Math.max(i, 0), `${dtype} and not constant`, unrunnable(op, attrs, dtype)!);
  }

  private keep(f: Folded, at: { id: string; source?: string }, output: number | undefined): ValueId {
    this.state.computed.elements += f.data.length;
    if (this.state.computed.elements > COMPUTED_LIMIT)
      this.tooLarge(`together they hold more than ${COMPUTED_LIMIT} elements`);
    const grid = f.grid ? { grid: f.grid } : {};
    return this.record(this.state.builder.constant(f.type, f.data, { ...at, ...grid }), output);
  }

  /** An intermediate value; constant operands fold. */
  add<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K]): ValueId {
    return this.emit(op, inputs, attrs, undefined);
  }

  /** The operation that computes output `output` of the node; constant operands fold. */
  result<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K], output = 0): ValueId {
    return this.emit(op, inputs, attrs, output);
  }

  /** An intermediate constant. */
  constant(type: TensorType, data: Data): ValueId {
    return this.keep({ type, data }, { id: this.derived("const") }, undefined);
  }

  /** A constant of one element and rank 0. */
  scalar(value: number, dtype: DType = "float32"): ValueId {
    return this.filled(value, [], dtype);
  }

  /** A constant of one value throughout. */
  filled(value: number, shape: readonly number[], dtype: DType = "float32"): ValueId {
    return this.list(new Array<number>(elements(shape)).fill(value), shape, dtype);
  }

  /** A constant with the given elements. */
  list(values: readonly number[], shape: readonly number[] = [values.length], dtype: DType = "float32"): ValueId {
    const data = allocate(dtype, values.length);
    const wide = data instanceof BigInt64Array || data instanceof BigUint64Array;
    values.forEach((v, i) => {
      (data as Float32Array)[i] = (wide ? BigInt(v) : v) as number;
    });
    return this.constant({ dtype, shape }, data);
  }

  /** Adds the operations of a graph attribute, its inputs bound in order; the values of its outputs. */
  inline(g: GraphProto, inputs: readonly ValueId[]): ValueId[] {
    const names = (g.input ?? []).map((i) => i.name ?? "");
    if (names.length !== inputs.length) this.disagree(`its graph has ${names.length} inputs, not ${inputs.length}`);
    return this.state.inline(this.state, g, new Map(names.map((name, i) => [name, inputs[i]!])), this.loc);
  }

  /** Names an intermediate value as output `output`. */
  finish(id: ValueId, output = 0): void {
    this.result("identity", [id], {}, output);
  }

  /** A constant that is output `output` of the node. */
  constantResult(f: Folded, output = 0): ValueId {
    return this.keep(f, this.place("const", output), output);
  }

  /** int64 constant output. */
  intsResult(values: readonly (number | bigint)[], shape: readonly number[] = [values.length], output = 0): ValueId {
    const data = BigInt64Array.from(values, (v) => BigInt(v));
    return this.constantResult({ type: { dtype: "int64", shape }, data }, output);
  }
}
