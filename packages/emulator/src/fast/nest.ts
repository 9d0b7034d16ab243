import { type ComputeOp, NS } from "@accelc/isa";
import { isShared } from "../arena.js";
import { inputTarget } from "../next-input.js";
import type { Level, Machine } from "../state.js";
import { count } from "../stats.js";
import type { Issue, Port } from "../vector.js";
import { decline } from "./decline.js";
import { laneCode } from "./lanes.js";
import { type NestIssue, type NestOperand, type NestRow, nestFunction, nestKey, nestParameters } from "./nest-code.js";
import { nestShares, type Walk } from "./nest-shares.js";
import { everyWritten, inside, markWritten, type RowSet, rowSet } from "./row-set.js";
import { crewOf, type TeamKernel } from "./team.js";
import { type FunctionSpec, link, moduleBytes, type WasmFunction } from "./wasm.js";

/** A row operand with its place: first address, stride in bytes per level, the rows it visits. */
interface MovingRow {
  readonly row: NestRow;
  readonly key: string;
  readonly address: number;
  readonly strides: readonly number[];
  readonly set: RowSet;
  readonly written: Uint8Array;
}

interface Nest {
  readonly counts: readonly number[];
  readonly rows: MovingRow[];
  /** IMM slots. */
  readonly scalars: number[];
  readonly pads: Uint8Array[];
}

/** A call that repeats what the nest did: the function, and its parameter block for all of it and for each thread's share. */
export interface NestCall {
  readonly kernel: NestKernel;
  readonly parameters: Int32Array;
  readonly shares: readonly Int32Array[];
}

/** `shared` where there is a team. */
export interface NestKernel {
  readonly call: WasmFunction;
  readonly shared: TeamKernel | undefined;
}

export type NestCode = Map<string, NestKernel>;

const MOST_ISSUES = 256;
const MOST_CODES = 1024;

/**
 * The nest as a call, with its written marks, counts and steps accounted for, or undefined where it is not covered or a
 * check could fail. In the latter case nothing has changed.
 */
export function prepareNest(
  m: Machine,
  memory: WebAssembly.Memory,
  codes: NestCode,
  issues: readonly Issue[],
  levels: readonly Level[],
): NestCall | undefined {
  if (m.lanes % 4 !== 0) return decline(m, "lanes");
  if (issues.length > MOST_ISSUES) return decline(m, "size");
  const iterations = levels.reduce((n, l) => n * l.count, 1);
  if (m.steps + issues.length * iterations > m.maxSteps) return decline(m, "budget");
  const active = mergedLevels(issues, levels);
  const nest: Nest = { counts: active.map((l) => l.count), rows: [], scalars: [], pads: [] };
  const found: NestIssue[] = [];
  for (const issue of issues) {
    if (issue.op === "nop") continue;
    const resolved = resolveIssue(m, nest, issue, active, found);
    if (resolved === undefined) return undefined;
    found.push(resolved);
  }
  const shape = {
    levels: active.length,
    chunks: m.lanes / 4,
    scalars: nest.scalars.length,
    rows: nest.rows.map((r) => r.row),
    issues: found,
  };
  const key = nestKey(shape);
  let kernel = codes.get(key);
  if (kernel === undefined) {
    if (codes.size >= MOST_CODES) return decline(m, "codes");
    kernel = kernelOf(m, memory, nestFunction(shape));
    codes.set(key, kernel);
  }
  for (const issue of found) {
    const { written, set } = nest.rows[issue.dst];
    markWritten(written, set);
  }
  for (const issue of issues) count(m.stats.issues, issue.op, iterations);
  m.steps += issues.length * iterations;
  const all = [0, nest.counts[0] ?? 1] as const;
  const shares = sharesOf(m, nest, found, issues.length * iterations);
  return {
    kernel,
    parameters: parametersOf(m, nest, all),
    shares: shares.length === 1 ? [] : shares.map((share) => parametersOf(m, nest, share)),
  };
}

function kernelOf(m: Machine, memory: WebAssembly.Memory, spec: FunctionSpec): NestKernel {
  const bytes = moduleBytes([spec], isShared(memory));
  const call = link(bytes, memory);
  return { call, shared: crewOf(m.team)?.kernel(bytes, call) };
}

/** Iterations of the outermost level that each thread does. */
function sharesOf(m: Machine, { counts, rows }: Nest, issues: readonly NestIssue[], vectors: number) {
  const crew = crewOf(m.team);
  const threads = crew === undefined || vectors < crew.leastVectors ? 1 : m.workspaces.length;
  const walks = rows.map(
    ({ row, address, strides }): Walk => ({ pad: row.pad, address, length: m.lanes * (row.bytes ? 1 : 4), strides }),
  );
  return nestShares(counts, walks, [...new Set(issues.map((i) => i.dst))], threads);
}

/** A level that counts; ports step by their strides of level `index`. */
interface ActiveLevel {
  readonly count: number;
  readonly index: number;
}

/** Levels of more than one trip; one whose every port moves on where the level inside it ends becomes one with that. */
function mergedLevels(issues: readonly Issue[], levels: readonly Level[]): readonly ActiveLevel[] {
  const ports = issues.flatMap((i) => i.ports);
  const active: ActiveLevel[] = [];
  for (let l = levels.length - 1; l >= 0; l--) {
    const { count } = levels[l];
    if (count === 1) continue;
    const inner = active[0];
    const joins = inner !== undefined && ports.every((p) => p.strides[l] === p.strides[inner.index] * inner.count);
    if (joins) active[0] = { ...inner, count: inner.count * count };
    else active.unshift({ count, index: l });
  }
  return active;
}

function resolveIssue(
  m: Machine,
  nest: Nest,
  issue: Issue,
  levels: readonly ActiveLevel[],
  before: readonly NestIssue[],
): NestIssue | undefined {
  const { src1, src2, dst } = issue;
  if (src1 === undefined || dst === undefined) return decline(m, "code");
  const scalar = src2 !== undefined && src2.step === 0 ? m.imm.cells[src2.base] : undefined;
  const variant = laneCode(issue.op as ComputeOp, m.datatype, scalar, m.description.ties);
  if (variant === undefined) return decline(m, "code");
  const read = (port: Port): NestOperand | undefined => {
    if (port.step === 0) return { imm: true, index: scalarIndex(nest, port.base) };
    const index = rowIndex(m, nest, port, levels);
    if (index === undefined) return undefined;
    return canRead(nest, index, before) ? { imm: false, index } : decline(m, "check");
  };
  const a = read(src1);
  const b = src2 === undefined ? undefined : read(src2);
  const d = rowIndex(m, nest, dst, levels);
  if (a === undefined || d === undefined || (src2 !== undefined && b === undefined)) return undefined;
  if (src2 !== undefined && src1.ns === src2.ns && a.index !== b?.index) return decline(m, "hazard");
  if (issue.readsDst && (dst.ns === NS.IBUF || !canRead(nest, d, before))) return decline(m, "check");
  return { name: variant[0], code: variant[1], dst: d, readsDst: issue.readsDst, src1: a, src2: b };
}

/** Its rows were written before the nest, or an earlier instruction of the body writes the same row each time. */
const canRead = ({ rows }: Nest, index: number, before: readonly NestIssue[]): boolean =>
  before.some((i) => i.dst === index) || everyWritten(rows[index].written, rows[index].set);

function scalarIndex({ scalars }: Nest, slot: number): number {
  const at = scalars.indexOf(slot);
  return at >= 0 ? at : scalars.push(slot) - 1;
}

/** Rows move as one where pad, base and strides agree. Undefined: some row is outside, or half inside the window. */
function rowIndex(m: Machine, nest: Nest, port: Port, levels: readonly ActiveLevel[]): number | undefined {
  const bytes = port.ns === NS.IBUF;
  const pad = bytes ? inputTarget(m).pad : port.pad;
  const steps = levels.map((l) => port.strides[l.index]);
  const base = windowed(m, port.ns, rowSet(port.base, steps, nest.counts), port.base);
  if (base === undefined) return decline(m, "window");
  const set = rowSet(base, steps, nest.counts);
  if (!inside(set, pad.rows)) return decline(m, "check");
  const known = nest.pads.indexOf(pad.written);
  const padIndex = known >= 0 ? known : nest.pads.push(pad.written) - 1;
  const key = `${padIndex} ${base} ${steps}`;
  const same = nest.rows.findIndex((r) => r.key === key);
  if (same >= 0) return same;
  const size = pad.width * (bytes ? 1 : 4);
  const row = { pad: padIndex, bytes, moves: steps.some((s) => s !== 0) };
  const address = pad.cells.byteOffset + base * size;
  return nest.rows.push({ row, key, address, strides: steps.map((s) => s * size), set, written: pad.written }) - 1;
}

/** Where base goes in an odd tile; undefined where only part of the rows moves. */
export function windowed(m: Machine, ns: number, set: RowSet, base: number): number | undefined {
  const rows = m.window.rows[ns];
  if ((m.tile & 1) === 0 || rows === 0) return base;
  const from = m.window.base[ns];
  if (set.last < from || set.first >= from + rows) return base;
  return set.first >= from && set.last < from + rows ? base + rows : undefined;
}

/** Of iterations [from, to) of the outermost level, if there is one. */
function parametersOf(m: Machine, { counts, rows, scalars }: Nest, [from, to]: readonly [number, number]): Int32Array {
  const at = nestParameters(counts.length, scalars.length, rows.length);
  const words = new Int32Array(at.words);
  words.set(counts);
  if (counts.length > 0) words[0] = to - from;
  const { shift } = m.datatype;
  words[at.shift] = shift;
  if (shift >= 1 && shift <= 32) words[at.shift + 1] = 1 << (shift - 1);
  else if (shift > 32) words[at.shift + 2] = 1 << (shift - 33);
  scalars.forEach((slot, i) => {
    words[at.scalars + i] = m.imm.cells[slot];
  });
  rows.forEach((row, r) => {
    const w = at.row(r);
    words[w] = row.address + from * (row.strides[0] ?? 0);
    row.strides.forEach((stride, l) => {
      const inner = l + 1 < counts.length ? counts[l + 1] * row.strides[l + 1] : 0;
      words[w + 1 + l] = stride - inner;
    });
  });
  return words;
}
