import type { Data } from "@accelc/ir";

/** Rows as aligned columns, two spaces apart, nothing trailing. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i]!))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

export const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** 1234567 → `1,234,567`. */
export const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

/** `float32[1,10]  min -1.5  max 3.25`. */
export function describeTensor(t: {
  readonly type: string;
  readonly shape: readonly number[];
  readonly data: Data;
}): string {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const v of t.data) {
    const x = Number(v);
    if (x < min) min = x;
    if (x > max) max = x;
  }
  const range = t.data.length === 0 ? "empty" : `min ${short(min)}  max ${short(max)}`;
  return `${t.type}[${t.shape.join(",")}]  ${range}`;
}

/** Four significant digits, integers whole. */
export const short = (x: number): string => (Number.isInteger(x) ? String(x) : String(Number(x.toPrecision(4))));
