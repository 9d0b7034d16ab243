import { broadcastShapes, type CodeGrid, isFloat, type Rounding, sameShape, type ValueId } from "@accelc/ir";
import { flag, maybeText } from "../attributes.js";
import type { NodeContext } from "../context.js";
import { withNumber } from "./build.js";
import { onGrid, scaleNumbers } from "./quantizer.js";
import { type OperatorRow, row } from "./row.js";

/** Under either name; neither is versioned. */
export const QONNX_DOMAINS = ["onnx.brevitas", "qonnx.custom_op.general"] as const;

const MODES: Readonly<Record<string, Rounding>> = {
  ROUND: "even",
  HALF_EVEN: "even",
  CEIL: "ceil",
  FLOOR: "floor",
  UP: "away",
  DOWN: "zero",
  HALF_UP: "halfAway",
  HALF_DOWN: "halfZero",
};

function rounding(n: NodeContext, mode: string): Rounding {
  const known = MODES[mode.toUpperCase()];
  return (
    known ?? n.badAttribute("rounding_mode", JSON.stringify(mode), `it must be one of ${Object.keys(MODES).join(", ")}`)
  );
}

/** A constant number of bits from 1 to 32. */
function bitWidth(n: NodeContext, i: number): number {
  const bits = n.scalarInput(i);
  if (!(Number.isInteger(bits) && bits >= 1 && bits <= 32))
    n.badInput(i, String(bits), "a bit width is an integer from 1 to 32");
  return bits;
}

/** Least and greatest code of a QONNX quantizer of more than one bit. */
export const codeRange = (signed: boolean, narrow: boolean, bits: number): readonly [number, number] =>
  signed ? [-(2 ** (bits - 1)) + Number(narrow), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1 - Number(narrow)];

/** The grid of constant scales (input 1) and zero points (input 2), which broadcast to x. */
function gridOf(n: NodeContext, x: ValueId, codes: readonly [number, number], hasZero: boolean): CodeGrid {
  const scale = scaleNumbers(n, 1);
  const { shape } = n.constantInput(1).type;
  const fits = (s: readonly number[]) => sameShape(broadcastShapes(s, n.shape(x)) ?? [], n.shape(x));
  const misfit = (i: number, s: readonly number[]) =>
    n.badInput(i, `of shape [${s.join(",")}]`, `it does not broadcast to the tensor's [${n.shape(x).join(",")}]`);
  if (scale.length > 1 && !fits(shape)) misfit(1, shape);
  if (!hasZero) return { shape: scale.length === 1 ? [] : shape, scale, zero: scale.map(() => 0), codes };
  const zero = n.constantInput(2);
  const own = Array.from(zero.data as ArrayLike<number>, Number);
  const bad = own.find((z) => !Number.isInteger(z));
  if (bad !== undefined) n.badInput(2, String(bad), "a zero point must be an integer");
  if (own.length === 1) return { shape: scale.length === 1 ? [] : shape, scale, zero: scale.map(() => own[0]!), codes };
  if (!fits(zero.type.shape)) misfit(2, zero.type.shape);
  if (scale.length !== own.length && scale.length !== 1) misfit(2, zero.type.shape);
  return { shape: zero.type.shape, scale: scale.length === 1 ? own.map(() => scale[0]!) : scale, zero: own, codes };
}

/** QONNX rounds x / scale + zero: with an odd zero point a tie goes to the odd neighbour of x / scale. */
function shifted(n: NodeContext, mode: Rounding, g: CodeGrid): Rounding {
  if (g.zero.every((z) => z === 0) || mode === "floor" || mode === "ceil") return mode;
  const odd = g.zero.map((z) => Math.abs(z) % 2);
  if (mode === "even" && odd.every((p) => p === odd[0])) return odd[0] === 1 ? "odd" : "even";
  return n.badAttribute(
    "rounding_mode",
    mode,
    "with this zero point its rounding depends on the sign of the code; use ROUND, FLOOR or CEIL",
  );
}

function quant(n: NodeContext, a: { signed: boolean; narrow: boolean; rounding_mode: string | undefined }): void {
  const x = n.input(0);
  if (!isFloat(n.dtype(x))) n.badInput(0, n.dtype(x), "it must be a float tensor");
  const bits = bitWidth(n, 3);
  const mode = rounding(n, a.rounding_mode ?? "ROUND");
  if (bits === 1 && a.signed) {
    const g = gridOf(n, x, [-1, 1], true);
    if (g.zero.some((z) => z !== 0))
      n.badInput(2, String(g.zero[0]), "1-bit signed codes are -1 and 1 about a zero point of 0");
    n.finish(onGrid(n, x, g, "sign"));
    return;
  }
  const g = gridOf(n, x, codeRange(a.signed, a.narrow, bits), true);
  if (g.codes[0] >= g.codes[1]) n.badInput(3, String(bits), "it leaves a single code");
  n.finish(onGrid(n, x, g, shifted(n, mode, g)));
}

/** Codes of x on a fine grid, divided by a power of two and rounded: 2^k steps of the input make one of the output. */
function trunc(n: NodeContext, a: { signed: boolean; narrow: boolean; rounding_mode: string | undefined }): void {
  const x = n.input(0);
  const wide = n.inputCount === 7;
  if (n.inputCount === 6) n.badInput(5, "present", "Trunc has 5 inputs, or 7 with the output's scale");
  const [from, to] = [bitWidth(n, 3), bitWidth(n, wide ? 6 : 4)];
  const fine = gridOf(n, x, [-(2 ** from), 2 ** from], true);
  if (fine.zero.some((z) => z !== 0)) n.badInput(2, String(fine.zero[0]), "Trunc is supported with a zero point of 0");
  const ratio = wide ? Math.round(Math.log2(n.scalarInput(4) / fine.scale[0]!)) : from - to;
  if (ratio < 0) n.badInput(4, String(to), "the output must be coarser than the input");
  const codes = wide ? codeRange(a.signed, a.narrow, to) : ([-(2 ** from), 2 ** from] as const);
  const step = 2 ** ratio;
  const coarse = { ...fine, scale: fine.scale.map((s) => s * step), codes };
  const y = onGrid(n, onGrid(n, x, fine), coarse, rounding(n, a.rounding_mode ?? "FLOOR"));
  const factor = wide ? n.scalarInput(4) / coarse.scale[0]! : 1 / step;
  n.finish(factor === 1 ? y : withNumber(n, "mul", y, factor));
}

const ATTRIBUTES = { signed: flag(true), narrow: flag(false), rounding_mode: maybeText };
const CONSTANTS = "scale, zero point and bit width constant";

const rowsOf = (domain: string): OperatorRow[] => [
  ...["Quant", "IntQuant"].map((op) =>
    row({
      op,
      domain,
      since: 1,
      unit: "tandem",
      constraints: CONSTANTS,
      inputs: 4,
      attributes: ATTRIBUTES,
      parse: quant,
    }),
  ),
  row({
    op: "BipolarQuant",
    domain,
    since: 1,
    unit: "tandem",
    constraints: "scale constant",
    inputs: 2,
    attributes: {},
    parse: (n) => n.finish(onGrid(n, n.input(0), gridOf(n, n.input(0), [-1, 1], false), "sign")),
  }),
  row({
    op: "Trunc",
    domain,
    since: 1,
    unit: "tandem",
    constraints: `${CONSTANTS}; zero point 0`,
    inputs: [5, 7],
    attributes: ATTRIBUTES,
    parse: trunc,
  }),
];

export const QONNX: readonly OperatorRow[] = QONNX_DOMAINS.flatMap(rowsOf);
