import type { CaseResult } from "./run-case.js";

interface Counts {
  passed: number;
  failed: number;
  unsupported: number;
}

export interface Summary extends Readonly<Counts> {
  readonly total: number;
  /** Operators by name; reasons are distinct, failures' first. */
  readonly operators: Readonly<Record<string, Readonly<Counts> & { readonly reasons: readonly string[] }>>;
}

const RANK = { failed: 0, unsupported: 1, passed: 2 } as const;

const count = (cases: readonly CaseResult[]): Counts => {
  const n: Counts = { passed: 0, failed: 0, unsupported: 0 };
  for (const c of cases) n[c.result]++;
  return n;
};

/** The counts of a run as `conformance --json` has them. */
export function summarize(cases: readonly CaseResult[]): Summary {
  const names = [...new Set(cases.map((c) => c.operator))].sort();
  const operators = names.map((name) => {
    const own = cases.filter((c) => c.operator === name);
    const reasons = own.toSorted((a, b) => RANK[a.result] - RANK[b.result]).flatMap((c) => c.reasons);
    return [name, { ...count(own), reasons: [...new Set(reasons)] }] as const;
  });
  return { total: cases.length, ...count(cases), operators: Object.fromEntries(operators) };
}
