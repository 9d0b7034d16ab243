import { CompilerBug, diag, type NodeOf, type TensorType, type ValueId } from "@accelc/ir";
import { type Context, floatValue, storedId } from "./context.js";
import type { Form, PendingGemm } from "./form.js";
import { type Grid, magnitude } from "./grid.js";
import { perChannel, scalar } from "./real.js";
import { INT32_LIMIT } from "./sum.js";
import { layoutOf, quantizeWeights, type Weights } from "./weights.js";

type Gemm = NodeOf<"conv"> | NodeOf<"matmul">;

const gridOf = ({ quant }: TensorType): Grid => ({
  bits: 8,
  scale: quant!.scale[0]!,
  zero: quant!.zeroPoint,
  ...(quant!.codes ? { codes: quant!.codes } : {}),
});

/**
 * Least useful scale of a channel's weights. A channel 2^22 times finer than the output's steps adds nothing to it but
 * multipliers and biases that int32 cannot hold: channels whose weights a batch norm has switched off.
 */
function scaleFloor(c: Context, n: Gemm, x: Grid): (channel: number) => number {
  const seen = c.grids.seen(n.outputs[0]!);
  const output = seen ? magnitude(seen) / 127 / 2 ** 22 : 0;
  const bias = n.inputs[2] === undefined ? undefined : floatValue(c, n.inputs[2]).data;
  return (channel) => Math.max(output, Math.abs(Number(bias?.[channel] ?? 0)) / 2 ** 28) / x.scale;
}

/** Room for a bias beside products and zero point; PA2001 where there is none. */
function roomOf(c: Context, n: Gemm, w: Weights, depth: number, zero: number): Float64Array {
  const room = w.absolute.map((a, i) => INT32_LIMIT - 128 * a - Math.abs(zero * w.sum[i]!));
  const worst = room.findIndex((r) => r < 0);
  if (worst >= 0) {
    const sum = 128 * w.absolute[worst]!;
    const reason = `a sum of ${depth} products in channel ${worst} can reach ${sum}; the accumulator holds ${INT32_LIMIT}`;
    c.problems.push(
      diag("PA2001", n.loc, { op: n.loc.op, reason }, "split the operation, or reduce the size of its weights"),
    );
  }
  return room;
}

function pending(
  c: Context,
  n: Gemm,
  operands: readonly ValueId[],
  p: Omit<PendingGemm, "id" | "loc" | "emit"> & { base(i: number): number },
): PendingGemm {
  const name = n.outputs[0]!;
  let emitted: ValueId | undefined;
  const emit = (extra: Int32Array | undefined): ValueId => {
    if (emitted !== undefined) throw new CompilerBug("quantize", `${name} is emitted twice`);
    const bias = Int32Array.from({ length: p.channels }, (_, i) => p.base(i) + (extra?.[i] ?? 0));
    const type: TensorType = { dtype: "int32", shape: [p.channels] };
    const all = bias.some((b) => b !== 0) ? [...operands, c.constants.add(type, bias, `${name}.bias`)] : operands;
    const at = { id: `${name}.acc` };
    const fill = c.builder.type(operands[0]!).quant!.zeroPoint;
    emitted =
      n.op === "conv"
        ? c.builder.add("conv", all, { ...n.attrs, fill }, n.loc, at)
        : c.builder.add("matmul", all, {}, n.loc, at);
    return emitted;
  };
  const { channels, trailing, lo, hi, room } = p;
  return { id: name, loc: n.loc, channels, trailing, lo, hi, room, emit };
}

const gemmForm = (c: Context, n: Gemm, gemm: PendingGemm, coef: Float64Array): Form => {
  const bias = n.inputs[2] === undefined ? undefined : floatValue(c, n.inputs[2]).data;
  return {
    shape: floatValue(c, n.outputs[0]!).type.shape,
    terms: [{ operand: { kind: "gemm", gemm }, coef: perChannel(coef, gemm.trailing) }],
    offset: bias ? perChannel(Float64Array.from(bias as Float32Array), gemm.trailing) : scalar(0),
  };
};

/** conv and matmul with constant weights. The zero point goes into the bias, −z Σ w, or vanishes where it is 0. */
function weighted(c: Context, n: Gemm): Form {
  const [input, weight] = n.inputs as readonly [ValueId, ValueId];
  const x = storedId(c, input);
  const grid = gridOf(c.builder.type(x));
  const v = floatValue(c, weight);
  const layout = layoutOf(n, v.type.shape);
  const w = quantizeWeights(v.data!, layout, grid, scaleFloor(c, n, grid), c.weightMethod);
  const axis = n.op === "conv" ? 0 : v.type.shape.length - 1;
  const quant = { scale: Array.from(w.scale), zeroPoint: 0, axis };
  const weights = c.constants.add({ dtype: "int8", shape: v.type.shape, quant }, w.data, v.id);
  const room = roomOf(c, n, w, w.data.length / layout.channels, grid.zero);
  const gemm = pending(c, n, [x, weights], {
    channels: layout.channels,
    trailing: n.op === "conv" ? v.type.shape.length - 2 : 0,
    lo: w.lo,
    hi: w.hi,
    room: (i) => room[i]!,
    base: (i) => 0 - grid.zero * w.sum[i]!,
  });
  return gemmForm(
    c,
    n,
    gemm,
    w.scale.map((s) => s * grid.scale),
  );
}

/** matmul of two activations, both with zero point 0. */
function unweighted(c: Context, n: NodeOf<"matmul">): Form {
  const [a, b] = [storedId(c, n.inputs[0]!), storedId(c, n.inputs[1]!)];
  const [s, t] = [gridOf(c.builder.type(a)), gridOf(c.builder.type(b))];
  const depth = c.builder.type(a).shape.at(-1)!;
  const channels = c.builder.type(b).shape.at(-1)!;
  const top = 128 * 128 * depth;
  if (top > INT32_LIMIT) {
    const reason = `a sum of ${depth} products can reach ${top}; the accumulator holds ${INT32_LIMIT}`;
    c.problems.push(diag("PA2001", n.loc, { op: n.loc.op, reason }, "split the operation along the summed axis"));
  }
  const all = (x: number) => new Float64Array(channels).fill(x);
  const gemm = pending(c, n, [a, b], {
    channels,
    trailing: 0,
    lo: all(-top),
    hi: all(top),
    room: () => INT32_LIMIT - top,
    base: () => 0,
  });
  return gemmForm(c, n, gemm, all(s.scale * t.scale));
}

export const gemmOfNode = (c: Context, n: Gemm): Form =>
  n.op === "conv" || floatValue(c, n.inputs[1]!).data ? weighted(c, n) : unweighted(c, n);
