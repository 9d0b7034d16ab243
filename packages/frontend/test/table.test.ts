import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { NEWEST_OPSET, OLDEST_OPSET, OPERATORS, operatorRow } from "../src/index.js";

const GOLDENS = [
  ...["activation", "arithmetic", "attention", "constant", "control", "conv", "conv-transpose", "einsum", "gemm"],
  ...["indexing", "layout", "logic", "normalization", "pass", "pool", "recurrent", "reduce", "rejected", "resize"],
  ...["quantization", "shape"],
];

describe("the operator table", () => {
  const names = [...new Set(OPERATORS.map((r) => `${r.domain}:${r.op}`))];

  it.each(names)("%s has one row per opset, without gaps", (name) => {
    const [domain, op] = name.split(":") as [string, string];
    const rows = OPERATORS.filter((r) => r.op === op && r.domain === domain);
    const first = Math.max(OLDEST_OPSET, Math.min(...rows.map((r) => r.since)));
    for (let opset = first; opset <= NEWEST_OPSET; opset++) {
      const fit = rows.filter((r) => r.since <= opset && opset <= (r.until ?? NEWEST_OPSET));
      expect(fit.length, `opset ${opset}`).toBe(1);
      expect(operatorRow(domain, op, opset)).toBe(fit[0]);
    }
  });

  it("lists rows in the order of their opsets", () => {
    for (const name of names) {
      const since = OPERATORS.filter((r) => `${r.domain}:${r.op}` === name).map((r) => r.since);
      expect(since).toEqual([...since].sort((a, b) => a - b));
    }
  });

  it("has no golden without a test", () => {
    const goldens = readdirSync(new URL("golden", import.meta.url)).sort();
    expect(goldens).toEqual(GOLDENS.map((n) => `${n}.txt`).sort());
  });
});
