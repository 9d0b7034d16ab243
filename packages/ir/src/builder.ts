import { CompilerBug, type Diagnostic, diag, failOn } from "./diagnostics.js";
import type { Graph, Node } from "./graph.js";
import { OPS, type OpAttrs, type OpName } from "./ops.js";
import {
  type CodeGrid,
  type Data,
  elements,
  type Loc,
  type Port,
  type Quant,
  type TensorType,
  type Value,
  type ValueId,
} from "./types.js";

export interface NewValue {
  /** Wanted identifier; made unique by a suffix. */
  readonly id?: string;
  readonly source?: string;
  readonly quant?: Quant;
  /** Of a float constant. */
  readonly grid?: CodeGrid;
}

/** Assembles a graph node by node, in topological order, inferring types. The only mutable thing about graphs. */
export class GraphBuilder {
  private readonly values = new Map<ValueId, Value>();
  private readonly nodes: Node[] = [];
  private readonly inputs: Port[] = [];
  private readonly outputs: Port[] = [];
  private readonly suffix = new Map<string, number>();

  constructor(readonly name: string) {}

  private fresh(wanted: string): ValueId {
    let id = wanted;
    while (this.values.has(id)) {
      const n = (this.suffix.get(wanted) ?? 0) + 1;
      this.suffix.set(wanted, n);
      id = `${wanted}.${n}`;
    }
    return id;
  }

  private define(value: Omit<Value, "id">, wanted: string): ValueId {
    const id = this.fresh(wanted);
    this.values.set(id, { id, ...value });
    return id;
  }

  has(id: ValueId): boolean {
    return this.values.has(id);
  }

  value(id: ValueId): Value {
    const v = this.values.get(id);
    if (!v) throw new CompilerBug("graph builder", `no value ${id}`);
    return v;
  }

  type(id: ValueId): TensorType {
    return this.value(id).type;
  }

  /** Says which tensor an unnamed result is, and on which grid. */
  describe(id: ValueId, at: Omit<NewValue, "id">): ValueId {
    const v = this.value(id);
    const type = at.quant ? { ...v.type, quant: at.quant } : v.type;
    this.values.set(id, { ...v, type, ...(at.source === undefined ? {} : { source: at.source }) });
    return id;
  }

  input(port: Omit<Port, "value">, type: TensorType): ValueId {
    const value = this.define({ type, source: port.name }, port.name);
    this.inputs.push({ ...port, value });
    return value;
  }

  constant(type: TensorType, data: Data, at: NewValue = {}): ValueId {
    if (data.length !== elements(type.shape))
      throw new CompilerBug("graph builder", `constant of ${data.length} elements for shape [${type.shape.join(",")}]`);
    return this.define(
      { type, data, ...(at.grid ? { grid: at.grid } : {}), ...(at.source === undefined ? {} : { source: at.source }) },
      at.id ?? at.source ?? "const",
    );
  }

  /** Adds a value that already has an id, type and data: for copying constants between graphs. */
  adopt(value: Value): ValueId {
    if (!this.values.has(value.id)) this.values.set(value.id, value);
    return value.id;
  }

  /** Adds an operation with one output. Fails with FE2012 where the operand types do not fit. */
  add<K extends OpName>(op: K, inputs: readonly ValueId[], attrs: OpAttrs[K], loc: Loc, at: NewValue = {}): ValueId {
    const row = OPS[op];
    if (inputs.length < row.arity[0] || inputs.length > row.arity[1])
      throw new CompilerBug("graph builder", `${op} with ${inputs.length} inputs`);
    const type = row.infer(
      inputs.map((i) => this.type(i)),
      attrs,
    );
    if (typeof type === "string") {
      const problems: Diagnostic[] = [diag("FE2012", loc, { reason: type }, "check the model's shapes and attributes")];
      failOn(problems);
      throw new CompilerBug("graph builder", type);
    }
    const { quant: _, ...plain } = type;
    const keep =
      row.kind === "movement" || op === "relu" || op === "iwindow" || op === "ireduce" || op === "pack"
        ? type.quant
        : undefined;
    const quant = at.quant ?? keep;
    const out = this.define(
      { type: quant ? { ...plain, quant } : plain, ...(at.source === undefined ? {} : { source: at.source }) },
      at.id ?? at.source ?? op,
    );
    this.nodes.push({ op, inputs: [...inputs], outputs: [out], attrs, loc } as unknown as Node);
    return out;
  }

  output(port: Port): void {
    this.outputs.push(port);
  }

  finish(): Graph {
    return { name: this.name, values: this.values, nodes: this.nodes, inputs: this.inputs, outputs: this.outputs };
  }
}
