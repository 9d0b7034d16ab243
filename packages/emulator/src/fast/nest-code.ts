import type { LaneCode } from "./lane-mul.js";
import type { Code, FunctionSpec } from "./wasm.js";

/** An operand of the body: a moving row, or a scalar broadcast to all lanes. */
export interface NestOperand {
  readonly imm: boolean;
  /** Index into the rows or the scalars of the nest. */
  readonly index: number;
}

export interface NestIssue {
  readonly name: string;
  readonly code: LaneCode;
  readonly dst: number;
  readonly readsDst: boolean;
  readonly src1: NestOperand;
  readonly src2: NestOperand | undefined;
}

/** A row as it moves through the nest. Rows of one pad may meet. */
export interface NestRow {
  readonly pad: number;
  /** One byte per lane, not one word: IBUF. */
  readonly bytes: boolean;
  /** Does it move? */
  readonly moves: boolean;
}

export interface NestShape {
  readonly levels: number;
  /** Groups of four lanes. */
  readonly chunks: number;
  readonly scalars: number;
  readonly rows: readonly NestRow[];
  readonly issues: readonly NestIssue[];
}

/** Names everything the code depends on. */
export function nestKey(s: NestShape): string {
  const rows = s.rows.map((r) => `${r.pad}${r.bytes ? "b" : ""}${r.moves ? "m" : ""}`).join(",");
  const operand = (o: NestOperand | undefined) => (o === undefined ? "-" : `${o.imm ? "#" : ""}${o.index}`);
  const issues = s.issues.map((i) => `${i.name} ${i.dst} ${operand(i.src1)} ${operand(i.src2)}`).join(";");
  return `${s.levels}|${s.chunks}|${s.scalars}|${rows}|${issues}`;
}

/**
 * Words of the parameter block: trip counts by level, the datatype's shift and 2^(shift − 1) as 64 bits, the scalars,
 *, and for each row its address and what it advances by after an iteration of each level.
 */
export const nestParameters = (levels: number, scalars: number, rows: number) => ({
  shift: levels,
  scalars: levels + 3,
  row: (r: number) => levels + 3 + scalars + r * (levels + 1),
  words: levels + 3 + scalars + rows * (levels + 1),
});

/** 2^63 in both 64-bit lanes. */
const SIGNS = [0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x80];

/** Vector operations above which the groups of lanes become a loop instead of straight code. */
const MOST_STRAIGHT = 96;

/** The function `run(parameters)` of a nest. */
export function nestFunction(shape: NestShape): FunctionSpec & { readonly name: "run" } {
  return { name: "run", parameters: 1, write: (code) => writeNest(code, shape) };
}

function writeNest(code: Code, shape: NestShape): void {
  const { levels, rows } = shape;
  const at = nestParameters(levels, shape.scalars, rows.length);
  const word = (index: number) => {
    code.get(0);
    code.memory("i32.load", 4 * index);
  };
  const pointers = rows.map((_, r) => {
    const pointer = code.local("i32");
    word(at.row(r));
    code.set(pointer);
    return pointer;
  });
  const body = bodyWriter(code, shape, at.shift, at.scalars, pointers);
  const level = (l: number): void => {
    if (l === levels) {
      body();
      return;
    }
    const left = code.local("i32");
    word(l);
    code.set(left);
    code.repeat(
      () => {
        level(l + 1);
        rows.forEach((row, r) => {
          if (!row.moves) return;
          code.get(pointers[r]);
          word(at.row(r) + 1 + l);
          code.op("i32.add");
          code.set(pointers[r]);
        });
      },
      () => {
        code.get(left);
        code.const32(1);
        code.op("i32.sub");
        code.tee(left);
      },
    );
  };
  level(0);
}

function bodyWriter(
  code: Code,
  shape: NestShape,
  shiftAt: number,
  scalarsAt: number,
  pointers: readonly number[],
): () => void {
  const { rows, issues, chunks } = shape;
  const shift = code.local("i32");
  const half = code.local("v128");
  const bias = code.local("v128");
  code.get(0);
  code.memory("i32.load", 4 * shiftAt);
  code.set(shift);
  code.get(0);
  code.memory("v128.load64_splat", 4 * (shiftAt + 1));
  code.constant(SIGNS);
  code.op("i64x2.add");
  code.set(half);
  code.constant(SIGNS);
  code.get(shift);
  code.op("i64x2.shr_u");
  code.set(bias);
  const scalars = Array.from({ length: shape.scalars }, (_, i) => {
    const [vector, slot] = [code.local("v128"), code.local("i32")];
    code.get(0);
    code.memory("i32.load", 4 * (scalarsAt + i));
    code.tee(slot);
    code.op("i32x4.splat");
    code.set(vector);
    return { vector, slot };
  });
  const values = rows.map(() => code.local("v128"));
  const temps = Array.from({ length: 5 }, () => code.local("v128"));
  const offset = code.local("i32");
  const looped = issues.length * chunks > MOST_STRAIGHT;

  const address = (row: number) => {
    code.get(pointers[row]);
    if (!looped) return;
    code.get(offset);
    if (rows[row].bytes) {
      code.const32(2);
      code.op("i32.shr_u");
    }
    code.op("i32.add");
  };
  const writeChunk = (chunk: number) => {
    const known = new Set<number>();
    const load = (row: number): number => {
      if (!known.has(row)) {
        address(row);
        code.memory("v128.load", 16 * chunk);
        code.set(values[row]);
        known.add(row);
      }
      return values[row];
    };
    const operand = (o: NestOperand) => (o.imm ? scalars[o.index].vector : load(o.index));
    for (const issue of issues) {
      const a = operand(issue.src1);
      const b = issue.src2 === undefined ? a : operand(issue.src2);
      const d = issue.readsDst ? load(issue.dst) : values[issue.dst];
      const slot = issue.src2?.imm === true ? scalars[issue.src2.index].slot : shift;
      issue.code({ code, a, b, d, temp: (i) => temps[i], shift, half, bias, slot });
      code.set(values[issue.dst]);
      const { bytes, pad } = rows[issue.dst];
      address(issue.dst);
      code.get(values[issue.dst]);
      if (bytes) {
        code.get(values[issue.dst]);
        code.shuffle([0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12]);
        code.storeLow(32, 4 * chunk);
      } else code.memory("v128.store", 16 * chunk);
      rows.forEach((row, r) => {
        if (row.pad === pad) known.delete(r);
      });
      if (!bytes) known.add(issue.dst);
    }
  };
  return () => {
    if (!looped) {
      for (let chunk = 0; chunk < chunks; chunk++) writeChunk(chunk);
      return;
    }
    code.const32(0);
    code.set(offset);
    code.repeat(
      () => writeChunk(0),
      () => {
        code.get(offset);
        code.const32(16);
        code.op("i32.add");
        code.tee(offset);
        code.const32(16 * chunks);
        code.op("i32.lt_u");
      },
    );
  };
}
