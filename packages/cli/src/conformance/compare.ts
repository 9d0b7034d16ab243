import { isFloat } from "@accelc/ir";
import type { FileTensor } from "../tensor/npy.js";

export interface Comparison {
  /** Of float outputs; Infinity where nothing differs. */
  readonly sqnr?: number;
  readonly problem?: string;
}

const same = (a: number | bigint, b: number | bigint): boolean => a === b || Object.is(a, b);

function firstDifference(got: FileTensor, want: FileTensor): string | undefined {
  for (let i = 0; i < want.data.length; i++) {
    const [x, y] = [got.data[i]!, want.data[i]!];
    if (!same(x, y)) return `element ${i} is ${x}, not ${y}`;
  }
  return undefined;
}

/** 10·log10(Σ want² / Σ (got − want)²) over finite elements; others must agree, else undefined. */
function sqnrOf(got: FileTensor, want: FileTensor): number | string {
  let [signal, noise] = [0, 0];
  for (let i = 0; i < want.data.length; i++) {
    const [x, y] = [Number(got.data[i]), Number(want.data[i])];
    if (!Number.isFinite(y) || !Number.isFinite(x)) {
      if (!same(x, y)) return `element ${i} is ${x}, not ${y}`;
      continue;
    }
    signal += y * y;
    noise += (x - y) ** 2;
  }
  return noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
}

/** Compares an output with the expected one: floats by SQNR in dB unless `least` is Infinity, all else for equality. */
export function compareOutput(name: string, got: FileTensor, want: FileTensor, least: number): Comparison {
  if (got.shape.join() !== want.shape.join())
    return { problem: `output ${name} has shape [${got.shape.join()}], not [${want.shape.join()}]` };
  if (!isFloat(want.type) || least === Number.POSITIVE_INFINITY) {
    const where = firstDifference(got, want);
    return where === undefined ? {} : { problem: `output ${name}: ${where}` };
  }
  const sqnr = sqnrOf(got, want);
  if (typeof sqnr === "string") return { problem: `output ${name}: ${sqnr}` };
  return sqnr >= least
    ? { sqnr }
    : { sqnr, problem: `output ${name}: SQNR ${sqnr.toFixed(1)} dB, needed are ${least} dB` };
}
