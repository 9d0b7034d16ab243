import type { NodeContext } from "../context.js";

/** `axis` counted from the front, for a tensor of `rank` axes. `where` names the attribute or input for the message. */
export function axisOf(n: NodeContext, axis: number, rank: number, where = "axis"): number {
  const a = axis < 0 ? axis + rank : axis;
  if (a < 0 || a >= rank) n.badAttribute(where, axis, `rank ${rank} has axes ${-rank} to ${rank - 1}`);
  return a;
}

/** Distinct axes, ascending. */
export function axesOf(n: NodeContext, axes: readonly number[], rank: number): number[] {
  const list = axes.map((a) => axisOf(n, a, rank, "axes"));
  if (new Set(list).size !== list.length) n.badAttribute("axes", `[${axes.join(",")}]`, "an axis is named twice");
  return list.sort((a, b) => a - b);
}
