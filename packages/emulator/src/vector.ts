import { type ComputeOp, type Inst, ISA, NS } from "@accelc/isa";
import { ALU } from "./alu.js";
import { CALCULUS } from "./calculus.js";
import { CAST } from "./cast.js";
import { COMPARE } from "./compare.js";
import type { Kernel, KernelRow } from "./kernel.js";
import { type InputTarget, inputTarget } from "./next-input.js";
import { immSlot, immWritten, iteratorIndex, readRow, vectorPad, writeRow } from "./operands.js";
import type { WordPad } from "./scratchpad.js";
import { clearNest, type Level, type Machine, NS_NAMES, spend, trap } from "./state.js";
import { count } from "./stats.js";

/** Words that take an issue slot on the lanes. */
export type VectorOp = ComputeOp | "nop";

/** A missing vector instruction is a type error. */
export const VECTOR: { readonly [M in ComputeOp]: KernelRow } = { ...ALU, ...CALCULUS, ...COMPARE, ...CAST };

type OperandKey = "dst" | "src1" | "src2";

/** An operand of one body instruction: its scratchpad, and its row as it moves through the nest. */
export interface Port {
  readonly ns: number;
  readonly pad: WordPad;
  /** 1, or 0 for a scalar broadcast to all lanes. */
  readonly step: 0 | 1;
  readonly base: number;
  /** Per level. */
  readonly strides: readonly number[];
  row: number;
}

export interface Issue {
  readonly op: VectorOp;
  readonly address: number;
  readonly kernel: Kernel | undefined;
  readonly dst: Port | undefined;
  readonly readsDst: boolean;
  readonly src1: Port | undefined;
  readonly src2: Port | undefined;
  readonly ports: readonly Port[];
}

const nsOf = (i: Inst<ComputeOp | "set_index">, key: OperandKey): number =>
  key === "dst" ? i.dst_ns : key === "src1" ? i.src1_ns : i.src2_ns;
const ixOf = (i: Inst<ComputeOp | "set_index">, key: OperandKey): number =>
  key === "dst" ? i.dst_ix : key === "src1" ? i.src1_ix : i.src2_ix;

/** Executes one vector word: alone, or as a member of the armed nest, which runs when its body is complete. */
export function executeVector(m: Machine, inst: Inst<VectorOp>): void {
  const { nest } = m;
  if (nest.size === 0) {
    if (m.fast?.nestAgain(m)) return;
    run(m, [prepare(m, inst, m.address, [], 0)], []);
    return;
  }
  nest.body.push({ address: m.address, inst });
  if (nest.body.length < nest.size) return;
  if (m.fast?.nestAgain(m)) clearNest(m);
  else runNest(m);
}

function runNest(m: Machine): void {
  const { nest } = m;
  const levels = checkedLevels(m);
  const end = m.address;
  const issues = nest.body.map(({ address, inst }, j) => {
    m.address = address;
    return prepare(m, inst, address, levels, j);
  });
  run(m, issues, levels);
  m.address = end;
  clearNest(m);
}

/** The levels of the armed nest, each with its trip count and one binding per instruction. */
export function checkedLevels(m: Machine): readonly Level[] {
  const { levels, size } = m.nest;
  const found: Level[] = [];
  for (let l = 0; l < levels.length; l++) {
    const level = levels[l];
    if (level === undefined) throw trap(m, "nestLevels", { reason: `level ${l} was not opened` });
    if (level.bindings.length !== size) {
      throw trap(m, "nestBindings", { level: l, found: level.bindings.length, body: size });
    }
    found.push(level);
  }
  return found;
}

const run = (m: Machine, issues: readonly Issue[], levels: readonly Level[]): void => {
  if (!m.fast?.nest(m, issues, levels)) iterate(m, issues, levels);
};

/** Odometer over the levels, innermost fastest; every port steps by its stride of the level that advances. */
function iterate(m: Machine, issues: readonly Issue[], levels: readonly Level[]): void {
  const depth = levels.length;
  const trips = new Int32Array(depth);
  const ports = issues.flatMap((i) => i.ports);
  for (;;) {
    for (let j = 0; j < issues.length; j++) issue(m, issues[j]);
    let l = depth - 1;
    for (; l >= 0; l--) {
      trips[l] += 1;
      const wraps = trips[l] === levels[l].count;
      const by = wraps ? 1 - levels[l].count : 1;
      for (let p = 0; p < ports.length; p++) ports[p].row += by * ports[p].strides[l];
      if (!wraps) break;
      trips[l] = 0;
    }
    if (l < 0) return;
  }
}

function prepare(m: Machine, inst: Inst<VectorOp>, address: number, levels: readonly Level[], j: number): Issue {
  if (inst.op === "nop") {
    const none = { kernel: undefined, dst: undefined, readsDst: false, src1: undefined, src2: undefined, ports: [] };
    return { op: inst.op, address, ...none };
  }
  const row = VECTOR[inst.op];
  const { reads } = ISA[inst.op].operands;
  if (row.special && !m.description.tandem.specialFunctions) {
    throw trap(m, "specialFunction", { op: inst.op, machine: m.description.name });
  }
  const kernel = row.kernel(m.datatype, m.description.ties);
  if (kernel === undefined) throw trap(m, "datatype", { op: inst.op, kind: m.datatype.kind });
  const usesSrc2 = reads.includes("src2") && !(row.slot && kernel.ignoresSlot);
  const dst = port(m, inst, "dst", levels, j);
  const src1 = port(m, inst, "src1", levels, j);
  const src2 = usesSrc2 ? port(m, inst, "src2", levels, j) : undefined;
  if (row.slot && src2 !== undefined) checkShift(m, inst.op, src2, row.slot);
  const ports = [dst, src1, ...(src2 === undefined ? [] : [src2])];
  return { op: inst.op, address, kernel, dst, readsDst: reads.includes("dst"), src1, src2, ports };
}

function checkShift(m: Machine, op: ComputeOp, src2: Port, [low, high]: readonly [number, number]): void {
  if (src2.ns !== NS.IMM) throw trap(m, "namespace", { what: `the shift of ${op}`, name: NS_NAMES[src2.ns] });
  const shift = m.imm.cells[src2.base];
  if (shift < low || shift > high) throw trap(m, "castShift", { op, shift, low, high });
}

function port(m: Machine, inst: Inst<ComputeOp>, key: OperandKey, levels: readonly Level[], j: number): Port {
  const ns = nsOf(inst, key);
  const named = levels.map((level, l) => {
    const binding = level.bindings[j];
    const bound = nsOf(binding, key);
    if (bound !== ns) {
      const args = { operand: key, op: inst.op, word: NS_NAMES[ns], binding: NS_NAMES[bound], level: l };
      throw trap(m, "nestNamespace", args);
    }
    return ixOf(binding, key);
  });
  const ix = named.length === 0 ? ixOf(inst, key) : named[named.length - 1];
  if (ns === NS.IMM) return immPort(m, inst, key, ix, named.length);
  const target = key === "dst" && ns === NS.IBUF ? inputTarget(m) : undefined;
  const pad = target ? inputPad(m, target) : vectorPad(m, ns, inst.op);
  const base = m.iteratorBase[iteratorIndex(m, ns, ix)] + (target?.row ?? 0);
  const strides = named.map((n) => m.iteratorStride[iteratorIndex(m, ns, n)]);
  return { ns, pad, step: 1, base, strides, row: base };
}

function immPort(m: Machine, inst: Inst<ComputeOp>, key: OperandKey, ix: number, depth: number): Port {
  if (key === "dst") throw trap(m, "namespace", { what: `${key} of ${inst.op}`, name: "IMM" });
  const slot = immSlot(m, ix);
  immWritten(m, slot, inst.op);
  return { ns: NS.IMM, pad: m.imm, step: 0, base: slot, strides: new Array<number>(depth).fill(0), row: slot };
}

/** IBUF as a destination: the vector lands in a row of words, whose low bytes are then copied. */
function inputPad(m: Machine, { pad: { rows, written } }: InputTarget): WordPad {
  return { name: "IBUF", rows, width: m.lanes, cells: m.bytesOut, written };
}

function issue(m: Machine, i: Issue): void {
  m.address = i.address;
  spend(m, 1);
  count(m.stats.issues, i.op, 1);
  const { dst, src1, kernel } = i;
  if (dst === undefined || src1 === undefined || kernel === undefined) return;
  const { lanes } = m;
  const src2 = i.src2 ?? src1;
  const a = src1.step === 0 ? src1.row : readRow(m, src1.ns, src1.pad, src1.row, i.op);
  const b = src2 === src1 ? a : src2.step === 0 ? src2.row : readRow(m, src2.ns, src2.pad, src2.row, i.op);
  if (src1.ns === src2.ns && a !== b) {
    throw trap(m, "ports", { op: i.op, name: NS_NAMES[src1.ns], first: a, second: b });
  }
  const d = i.readsDst ? readRow(m, dst.ns, dst.pad, dst.row, i.op) : writeRow(m, dst.ns, dst.pad, dst.row, i.op);
  const toBytes = dst.ns === NS.IBUF;
  const at = toBytes ? 0 : d * lanes;
  if (toBytes && i.readsDst)
    throw trap(m, "namespace", { what: `${i.op}, which reads its destination,`, name: "IBUF" });
  kernel.run(
    lanes,
    dst.pad.cells,
    at,
    src1.pad.cells,
    src1.step === 0 ? a : a * lanes,
    src1.step,
    src2.pad.cells,
    src2.step === 0 ? b : b * lanes,
    src2.step,
  );
  dst.pad.written[d] = 1;
  if (toBytes) inputTarget(m).pad.cells.set(m.bytesOut, d * lanes);
}
