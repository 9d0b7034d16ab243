import { type Diagnostic, diag, type Graph, isGemm, type Node, producersOf } from "@accelc/ir";
import {
  type Calibration,
  chooseSawbPair,
  clippedTensors,
  type Formats,
  formatBits,
  inputOf,
  isMinifloatFormat,
  type SawbPair,
  sawbRow,
} from "@accelc/passes";
import { some } from "./names.js";

/** The constant weights of convolutions and matrix products, by the bits of their integer formats. */
function weightsByBits(g: Graph, formats: Formats): ReadonlyMap<number, Float32Array[]> {
  const out = new Map<number, Float32Array[]>();
  const add = (n: Node) => {
    const data = g.values.get(n.inputs[1]!)?.data;
    const format = formats.get(n.outputs[0]!)?.weights;
    if (!data || !format || isMinifloatFormat(format)) return;
    const bits = formatBits(format);
    out.set(bits, [...(out.get(bits) ?? []), data as Float32Array]);
  };
  for (const n of g.nodes) if (isGemm(n)) add(n);
  return out;
}

const pairText = ([c1, c2]: SawbPair): string => `(${c1}, ${c2})`;

/** SAWB's pairs for the bits of a model's weights, and what is to be said about them. */
export function sawbChoices(
  g: Graph,
  formats: Formats,
  asked: boolean,
  model: string,
): { readonly pairs: ReadonlyMap<number, SawbPair>; readonly notes: readonly Diagnostic[] } {
  const pairs = new Map<number, SawbPair>();
  const notes: Diagnostic[] = [];
  if (!asked) return { pairs, notes };
  for (const [bits, weights] of [...weightsByBits(g, formats)].sort(([a], [b]) => a - b)) {
    const row = sawbRow(bits);
    const choice = chooseSawbPair(weights, bits);
    if (!row || !choice) {
      const args = { count: weights.length, bits };
      notes.push(
        diag("PA3001", { model }, args, "its coefficients are for 2 and 4 bits; choose mse for the least error"),
      );
      continue;
    }
    pairs.set(bits, choice.pair);
    if (row.levels === 15) continue;
    const errors = { published: choice.published.toPrecision(5), derived: choice.derived.toPrecision(5) };
    const args = {
      levels: row.set,
      published: `${pairText(row.published)} gives ${errors.published}`,
      derived: `${pairText(row.derived)} gives ${errors.derived}`,
      used: pairText(choice.pair),
    };
    notes.push(diag("PA3002", { model }, args, "docs/quantization.md says where the pairs come from"));
  }
  return { pairs, notes };
}

/** PACT is trained; where the model has no clip from training, this says that calibration found one, and how. */
export function pactNotes(g: Graph, calibration: Calibration, model: string): Diagnostic[] {
  const producers = producersOf(g);
  const inputs = g.nodes.flatMap((n) => (isGemm(n) ? (inputOf(g, n, (id) => producers.get(id))?.tensor ?? []) : []));
  const learned = clippedTensors(g);
  const calibrated = [...new Set(inputs)].filter(
    (t) => !learned.has(t) && calibration.choices?.get(t)?.method.kind === "pact",
  );
  if (calibrated.length === 0) return [];
  const criterion =
    "the least error of the outputs of the layers that read them, errors of different inputs taken as uncorrelated";
  const hint = "train the clips, or put them into a table of --write-calib-table";
  return [diag("PA3003", { model }, { count: calibrated.length, tensors: some(calibrated, 4), criterion }, hint)];
}

/** Layers whose biases cannot be corrected, because nothing was measured of their inputs' channels. */
export function correctionNotes(g: Graph, calibration: Calibration, model: string): Diagnostic[] {
  const producers = producersOf(g);
  const without = g.nodes.filter((n) => {
    if (!isGemm(n) || !g.values.get(n.inputs[1]!)!.data) return false;
    const input = inputOf(g, n, (id) => producers.get(id));
    const means = input && calibration.choices?.get(input.tensor)?.statistics.channels?.means;
    return means?.length !== input?.channels || !means;
  });
  if (without.length === 0) return [];
  const hint = "an entry of a table that was edited has no means any more; tensors that passes make have none";
  return [diag("PA3004", { model }, { count: without.length }, hint)];
}

/** Says that SAWB was chosen, and why. */
export const trainedNote = (model: string): Diagnostic =>
  diag("PA3005", { model }, {}, "give --weight-quant max, mse or octav where it was trained otherwise");
