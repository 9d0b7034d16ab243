import { windowExtent } from "@accelc/ir";
import { choice, maybeInts, type Values } from "../attributes.js";
import type { NodeContext } from "../context.js";

/** Attributes that convolutions and pools share. */
export const WINDOW = {
  auto_pad: choice(["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]),
  pads: maybeInts,
  strides: maybeInts,
};

type WindowValues = Values<typeof WINDOW> & { readonly dilations?: readonly number[] | undefined };

export interface Window {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

/** Larger windows, strides and paddings are taken for damage. */
const LARGEST = 65535;

/** A list attribute of `count` entries, all `absent` where it is not given. */
export function perAxis(
  n: NodeContext,
  name: string,
  given: readonly number[] | undefined,
  count: number,
  absent: number,
): number[] {
  const list = given ?? new Array<number>(count).fill(absent);
  const text = `[${list.join(",")}]`;
  if (list.length !== count) n.badAttribute(name, text, `it must have ${count} entries`);
  const least = name === "pads" || name === "output_padding" ? 0 : 1;
  if (list.some((x) => x < least || x > LARGEST))
    n.badAttribute(name, text, `entries must lie between ${least} and ${LARGEST}`);
  return [...list];
}

export const kernelOf = (n: NodeContext, given: readonly number[] | undefined, spatial: number): number[] =>
  perAxis(n, "kernel_shape", given, spatial, 1);

/** SAME: ceil(in / stride) outputs; the odd padding goes to the end (UPPER) or the beginning (LOWER). */
function samePads(extent: readonly number[], kernel: readonly number[], w: Omit<Window, "pads">, lower: boolean) {
  const [begin, end] = [[] as number[], [] as number[]];
  extent.forEach((size, i) => {
    const out = Math.ceil(size / w.strides[i]!);
    const covered = (out - 1) * w.strides[i]! + (kernel[i]! - 1) * w.dilations[i]! + 1;
    const total = Math.max(covered - size, 0);
    const less = Math.floor(total / 2);
    begin.push(lower ? total - less : less);
    end.push(lower ? less : total - less);
  });
  return [...begin, ...end];
}

/** Strides, dilations and explicit pads over the spatial extents `extent`. */
export function readWindow(
  n: NodeContext,
  a: WindowValues,
  extent: readonly number[],
  kernel: readonly number[],
): Window {
  const count = extent.length;
  const strides = perAxis(n, "strides", a.strides, count, 1);
  const dilations = perAxis(n, "dilations", a.dilations, count, 1);
  const declared = perAxis(n, "pads", a.pads, 2 * count, 0);
  if (a.auto_pad === "NOTSET") return { strides, dilations, pads: declared };
  const pads =
    a.auto_pad === "VALID"
      ? new Array<number>(2 * count).fill(0)
      : samePads(extent, kernel, { strides, dilations }, a.auto_pad === "SAME_LOWER");
  if (declared.some((p, i) => p !== 0 && p !== pads[i]))
    n.badAttribute("pads", `[${declared.join(",")}]`, `auto_pad ${a.auto_pad} gives [${pads.join(",")}]`);
  return { strides, dilations, pads };
}

/**
 * The padding under which rounding down gives as many windows as ceil_mode asks for: a window more where one is left over
 * in part, unless it would start beyond the input and its begin padding.
 */
export function ceilPads(extent: readonly number[], kernel: readonly number[], w: Window): number[] {
  const count = extent.length;
  const pads = [...w.pads];
  for (let i = 0; i < count; i++) {
    const covered = (kernel[i]! - 1) * w.dilations[i]! + 1;
    const begin = w.pads[i]!;
    const room = extent[i]! + begin + w.pads[count + i]! - covered;
    let out = Math.ceil(room / w.strides[i]!) + 1;
    if ((out - 1) * w.strides[i]! >= extent[i]! + begin) out--;
    pads[count + i] = Math.max((out - 1) * w.strides[i]! + covered - extent[i]! - begin, 0);
  }
  return pads;
}

/** Rejects windows that read nothing but padding: they have no maximum and no mean. */
export function refuseEmptyWindows(
  n: NodeContext,
  extent: readonly number[],
  kernel: readonly number[],
  w: Window,
): void {
  const count = extent.length;
  for (let i = 0; i < count; i++) {
    const [size, k, s, d, begin] = [extent[i]!, kernel[i]!, w.strides[i]!, w.dilations[i]!, w.pads[i]!];
    const windows = windowExtent(size, k, s, d, begin + w.pads[count + i]!);
    const reads = (o: number): boolean => {
      const start = o * s - begin;
      const first = start < 0 ? Math.ceil(-start / d) : 0;
      return first < k && start + first * d < size;
    };
    const edges = Math.ceil(begin / s);
    for (let o = 0; o < Math.min(windows, edges); o++)
      if (!reads(o))
        n.badAttribute("pads", `[${w.pads.join(",")}]`, `window ${o} along spatial axis ${i} is all padding`);
    for (let o = windows - 1; o >= edges && o * s - begin + (k - 1) * d >= size; o--)
      if (!reads(o))
        n.badAttribute("pads", `[${w.pads.join(",")}]`, `window ${o} along spatial axis ${i} is all padding`);
  }
}

/** Spatial extents of input 0, which must have a batch and a channel axis. */
export function spatial(n: NodeContext): readonly number[] {
  const shape = n.shape(n.input(0));
  if (shape.length < 3)
    n.badInput(0, `of shape [${shape.join(",")}]`, "it must have a batch, a channel and at least one spatial axis");
  return shape.slice(2);
}
