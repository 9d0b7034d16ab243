/**
 * What the nodes of a block cost on either unit, and what cutting one out of its block would: closed forms over the work
 * alone (durations of machine/src/timing.ts), whatever the tiling.
 */
import {
  type BlockProgram,
  type ComputeBlock,
  DTYPE_BITS,
  elements,
  type GemmPart,
  type Graph,
  type Loc,
  type Node,
  type ValueId,
} from "@accelc/ir";
import { burstsOfRun, derive, issueCycles, type MachineDescription, transferCycles } from "@accelc/machine";
import { computedNodes, nodeMacs, vectorCycles } from "./bound.js";
import { arrayFormat } from "./operands.js";

/** One ONNX node in one block. Cycles; undefined where a unit cannot do it. */
export interface NodeUnits {
  readonly block: number;
  readonly loc: Loc;
  /** As it is: the GEMM on the array, the rest on the Tandem Processor. */
  readonly array: number;
  readonly tandem: number;
  /** Everything on the array, sums of elements as products with ones or identities; not where operands are wider than its own. */
  readonly arrayAlone: number | undefined;
  /** Everything on the Tandem Processor: a product as one MACC per reduction step and row of lanes of its result. */
  readonly tandemAlone: number;
  /** What it hands over inside the block through DRAM instead: the transfers of a block of its own. */
  readonly moving: number;
}

class Units {
  private readonly fill: number;

  constructor(
    private readonly g: Graph,
    private readonly m: MachineDescription,
  ) {
    this.fill = derive(m).fillDrainCycles;
  }

  private shape(v: ValueId): readonly number[] {
    return this.g.values.get(v)!.type.shape;
  }

  private rows(v: ValueId): number {
    return Math.ceil(elements(this.shape(v)) / this.m.tandem.lanes);
  }

  /** Rows streamed and one fill and drain; a block of weights takes as many channel groups as fit side by side. */
  gemm(n: Node): number | undefined {
    if (n.op !== "conv" && n.op !== "matmul") return undefined;
    const { rows, columns, formats } = this.m.array;
    const format = arrayFormat(this.g.values.get(n.inputs[0]!)!.type.dtype);
    if (format === undefined || formats[format] === 0) return undefined;
    const depth = rows * formats[format];
    const [w, y] = [this.shape(n.inputs[1]!), this.shape(n.outputs[0]!)];
    if (n.op === "matmul") {
      const [k, columnsOut] = w.slice(-2) as [number, number];
      const streamed = elements(y) / columnsOut;
      return this.fill + streamed * Math.ceil(k / depth) * Math.ceil(columnsOut / columns);
    }
    const { groups } = n.attrs;
    const [inside, out] = [w[1]!, w[0]! / groups];
    const beside = Math.max(1, Math.floor(Math.min(depth / inside, columns / out)));
    const blocks = Math.ceil(groups / beside) * Math.ceil(inside / depth) * Math.ceil(out / columns);
    const positions = y[0]! * elements(y.slice(2));
    return this.fill + positions * blocks * elements(w.slice(2));
  }

  /** As the block walks it: packed windows and joined channel groups included. */
  mapped(b: ComputeBlock, gemm: GemmPart): number {
    const { ic, kh, kw, operands } = gemm;
    const outputs = b.dims.reduce((n, d) => n * d.before.extent, 1);
    return this.fill + outputs * ic.extent * kh.extent * kw.extent * operands.passes;
  }

  /** A sum of int8 elements is a product with an identity per operand or tap. */
  private sum(n: Node): number | undefined {
    const narrow = n.inputs.every((v) => arrayFormat(this.g.values.get(v)!.type.dtype) !== undefined);
    if (!narrow) return undefined;
    const out = this.rows(n.outputs[0]!);
    if (n.op === "iadd" || n.op === "isub") return this.fill + 2 * out;
    if (n.op === "iwindow" && n.attrs.kind === "sum") return this.fill + elements(n.attrs.kernel) * out;
    if (n.op === "ireduce" && n.attrs.kind === "sum") return this.fill + this.rows(n.inputs[0]!);
    return undefined;
  }

  onArray(nodes: readonly Node[]): number | undefined {
    const each = nodes.map((n) => this.gemm(n) ?? this.sum(n));
    return each.every((x) => x !== undefined) ? each.reduce((a, b) => a + b, 0) : undefined;
  }

  onTandem(n: Node): number {
    const macs = nodeMacs(this.g, n);
    if (macs === 0) return vectorCycles(this.g, this.m, n);
    const out = n.outputs[0]!;
    return this.rows(out) * (macs / elements(this.shape(out))) * issueCycles(this.m, "macc");
  }

  /** One way through DRAM. */
  transfer(v: ValueId): number {
    const bytes = Math.ceil((elements(this.shape(v)) * DTYPE_BITS[this.g.values.get(v)!.type.dtype]) / 8);
    return transferCycles(this.m, burstsOfRun(this.m, bytes));
  }
}

const total = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);

/** Every ONNX node of every block that computes, in order. */
export function nodeUnits(g: Graph, p: BlockProgram, m: MachineDescription): NodeUnits[] {
  const units = new Units(g, m);
  const producers = new Map(g.nodes.map((n) => [n.outputs[0]!, n]));
  const values = new Map(p.tensors.map((t) => [t.id, t.value]));
  return p.blocks.flatMap((b) => {
    const nodes = computedNodes(b, producers);
    const stored = new Set(b.results.map((t) => values.get(t)));
    const inside = new Set<ValueId>(nodes.map((n) => n.outputs[0]!));
    const byNode = new Map<string, Node[]>();
    for (const n of nodes) {
      const key = `${n.loc.node}\n${n.loc.op}`;
      byNode.set(key, [...(byNode.get(key) ?? []), n]);
    }
    return [...byNode.values()].map((own): NodeUnits => {
      const made = new Set<ValueId>(own.map((n) => n.outputs[0]!));
      const taken = own.flatMap((n) => n.inputs).filter((v) => inside.has(v) && !made.has(v));
      const others = nodes.filter((n) => !own.includes(n));
      const given = [...made].filter((v) => others.some((n) => n.inputs.includes(v)));
      const gemms = own.filter((n) => nodeMacs(g, n) > 0);
      const crossing = [...new Set([...taken, ...given])];
      return {
        block: b.id,
        loc: own[0]!.loc,
        array: gemms.length > 0 && b.kind === "compute" && b.gemm ? units.mapped(b, b.gemm) : 0,
        tandem: total(own.filter((n) => !gemms.includes(n)).map((n) => units.onTandem(n))),
        arrayAlone: units.onArray(own),
        tandemAlone: total(own.map((n) => units.onTandem(n))),
        moving: total(crossing.map((v) => units.transfer(v) * (stored.has(v) ? 1 : 2))),
      };
    });
  });
}
