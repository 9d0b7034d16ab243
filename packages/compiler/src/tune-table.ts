import { fail, type Graph } from "@accelc/ir";
import { type LayerTuning, tunableLayers } from "@accelc/passes";
import type { CalibTable } from "./calib-table.js";

/** What tuning found for a layer, in the table's JSON. */
export interface TunedEntry {
  /** Codes as signed bytes in base64, in the order of the weights; their greatest magnitude by the format. */
  readonly codes: string;
  readonly top: number;
  readonly scale: readonly number[];
  readonly bias: readonly number[];
  /** Mean squared error of the layer's results on the samples over their variance, before tuning and after. */
  readonly before: number;
  readonly after: number;
}

/** The document of `accelc tune`: a calibration table with tuned ranges, and tuned layers by ONNX node. */
export interface TuneTable extends CalibTable {
  /** What the layers were tuned for, and those that were tried, whether they gained or not. */
  readonly tuned: { readonly precision: string; readonly done: readonly string[] };
  readonly layers: Readonly<Record<string, TunedEntry>>;
}

const toBase64 = (bytes: Uint8Array): string => {
  let text = "";
  for (const b of bytes) text += String.fromCharCode(b);
  return btoa(text);
};

function fromBase64(text: string): Int16Array | undefined {
  try {
    return Int16Array.from(atob(text), (c) => (c.charCodeAt(0) << 24) >> 24);
  } catch {
    return undefined;
  }
}

export const tunedEntry = (t: LayerTuning, before: number, after: number): TunedEntry => ({
  codes: toBase64(new Uint8Array(Int8Array.from(t.codes).buffer)),
  top: t.top,
  scale: t.scale,
  bias: t.bias,
  before,
  after,
});

const isObject = (x: unknown): x is Readonly<Record<string, unknown>> => typeof x === "object" && x !== null;
const numbers = (x: unknown, n: number): readonly number[] | undefined =>
  Array.isArray(x) && x.length === n && x.every((v) => typeof v === "number" && Number.isFinite(v)) ? x : undefined;

/**
 * The layers of a table for a float graph; none where the table holds ranges only. CL1004 for a layer that the graph has not, or
 * whose codes, scales or biases are not those of its shape.
 */
export function layersOf(table: unknown, file: string, g: Graph): ReadonlyMap<string, LayerTuning> {
  const bad = (reason: string) =>
    fail("CL1004", {}, { option: "--calib-table", value: file, reason }, "write it again with accelc tune");
  const out = new Map<string, LayerTuning>();
  if (!isObject(table) || table.layers === undefined) return out;
  if (!isObject(table.layers)) return bad("its layers are no object");
  const tunable = tunableLayers(g);
  for (const [node, entry] of Object.entries(table.layers)) {
    const layer = tunable.get(node);
    if (!layer) return bad(`the model has no layer ${node} that can be tuned`);
    const { data, type } = g.values.get(layer.inputs[1]!)!;
    const channels = layer.op === "conv" ? type.shape[0]! : type.shape.at(-1)!;
    const { codes: text, top, scale: scales, bias: biases } = isObject(entry) ? entry : {};
    const codes = typeof text === "string" ? fromBase64(text) : undefined;
    const [scale, bias] = [numbers(scales, channels), numbers(biases, channels)];
    const whole = typeof top === "number" && top >= 1 && top <= 127 && codes?.length === data!.length;
    if (!codes || !scale || !bias || !whole || codes.some((q) => Math.abs(q) > top))
      return bad(`layer ${node} is not one of ${data!.length} weights and ${channels} channels`);
    out.set(node, { codes, top, scale, bias });
  }
  return out;
}
