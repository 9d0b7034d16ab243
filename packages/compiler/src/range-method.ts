import type { RangeMethod } from "@accelc/passes";

/** Names of methods as options and tables have them. */
export const ACT_METHODS = ["minmax", "percentile", "mse", "octav", "pact"] as const;

export const MINMAX: RangeMethod = { kind: "minmax" };
export const DEFAULT_PERCENTILE = 99.99;

export const methodName = (m: RangeMethod): string => (m.kind === "percentile" ? `percentile ${m.p}` : m.kind);

/** The method of a table's entry; undefined for anything else. */
export function methodOf(name: unknown): RangeMethod | undefined {
  if (typeof name !== "string") return undefined;
  const match = /^percentile(?: (\d+(?:\.\d+)?))?$/.exec(name);
  if (match) {
    const p = Number(match[1] ?? DEFAULT_PERCENTILE);
    return p > 50 && p <= 100 ? { kind: "percentile", p } : undefined;
  }
  const kind = ACT_METHODS.find((m) => m === name);
  return kind && kind !== "percentile" ? { kind } : undefined;
}
