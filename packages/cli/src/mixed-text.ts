import type { MixedReport } from "@accelc/compiler";
import { grouped, plural, short, table } from "./text.js";

type Candidate = MixedReport["layers"][number]["candidates"][string &
  keyof MixedReport["layers"][number]["candidates"]];

const cell = (c: Candidate): string => (c ? `${c.sqnr.toFixed(1)} dB, saves ${grouped(c.saves)}` : "saves nothing");

/** What each layer was given, what narrower formats would do there alone, and what the whole comes to. */
export function mixedText(m: MixedReport): string {
  const rows = m.layers.map(({ node, format, candidates }) => [
    node,
    format,
    cell(candidates.int4),
    cell(candidates.int2),
  ]);
  const what = m.metric === "predictions" ? "of the predictions" : "of the outputs' energy";
  const { int8, chosen } = m.cycles;
  return (
    table([["layer", "format", "int4 alone", "int2 alone"], ...rows]) +
    `about ${grouped(chosen)} cycles, ${grouped(int8)} in int8; ${short(m.drop)} % ${what} worse than in int8 on ${plural(m.samples.whole, "sample")}, ${short(m.maxDrop)} % allowed.\n`
  );
}
