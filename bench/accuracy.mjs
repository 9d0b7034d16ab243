// @ts-check
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compile, tune } from "@accelc/compiler";
import { load, loadObject, simulate } from "@accelc/emulator";
import { machinePreset } from "@accelc/machine";
import { readNpy } from "../scripts/npy.mjs";
import { SHARED } from "../scripts/workspace.mjs";
import { rounded } from "./measure.mjs";

const TARGET = "tandem-32x32";

/** @typedef {import("./networks.mjs").AccuracyCase} Case */

/**
 * @typedef {object} Way of quantizing
 * @property {string} [precision]
 * @property {string} [actQuant]
 * @property {string} [weightQuant]
 * @property {boolean} [tuned]
 * @property {number} [maxDrop]
 */

/** @type {readonly Way[]} */
const WAYS = [
  { precision: "int8" },
  { precision: "int8", actQuant: "mse", weightQuant: "mse" },
  { precision: "int8", tuned: true },
  { precision: "int16" },
  { precision: "fp16" },
  { precision: "hfp8" },
  { precision: "int4", actQuant: "octav", weightQuant: "octav" },
  { precision: "int4" },
  { precision: "int4", tuned: true },
  { precision: "mixed", maxDrop: 0.5 },
];
/** @type {readonly Way[]} */
const TRAINED = [{ precision: "int4" }, { precision: "int2" }];
/** @type {readonly Way[]} */
const OWN = [{}];

/** @type {(name: string) => readonly Way[]} what is worth knowing of a case */
function waysOf(name) {
  if (/2w2a/.test(name)) return OWN;
  if (/pact-w4/.test(name)) return [WAYS[0], TRAINED[0]];
  if (/pact-w2/.test(name)) return [WAYS[0], TRAINED[1]];
  return WAYS;
}

const at = (/** @type {string} */ file) => join(SHARED, "models", file);

/** @type {(data: ArrayLike<number>, rows: number) => number[]} index of the greatest number of each row */
function choices(data, rows) {
  const width = data.length / rows;
  return Array.from({ length: rows }, (_, r) => {
    let best = r * width;
    for (let i = best; i < (r + 1) * width; i++) if (data[i] > data[best]) best = i;
    return best - r * width;
  });
}

const share = (/** @type {number[]} */ a, /** @type {ArrayLike<number | bigint>} */ b) =>
  rounded(a.filter((x, i) => x === Number(b[i])).length / a.length);

/**
 * Top-1 accuracy of every way of quantizing a case on all its samples, in the emulator; bytes of the binary and simulated cycles
 * of a sample. Nothing here depends on the time.
 *
 * @param {Case} c
 */
export async function benchAccuracy(c) {
  const bytes = new Uint8Array(readFileSync(at(c.model)));
  const tensor = (/** @type {import("../scripts/npy.mjs").Npy} */ { shape, data }) =>
    /** @type {any} */ ({ type: "float32", shape, data });
  const [x, labels] = [readNpy(at(c.x)), readNpy(at(c.metric.labels))];
  const samples = x.shape[0] / (c.inputShape[0] ?? 1);
  const float = choices(/** @type {Float32Array} */ (readNpy(at(Object.values(c.files)[0])).data), samples);
  const machine = machinePreset(TARGET);
  const rows = [];
  for (const { tuned, ...way } of waysOf(c.name)) {
    const row = { bench: "accuracy", network: c.name, ...way, tuned: tuned === true, target: TARGET, samples };
    try {
      const options = { ...way, target: machine, calibration: { [c.input]: tensor(readNpy(at(c.calib))) } };
      const table = tuned ? await tune(bytes, options) : undefined;
      const { elf, object, report } = await compile(bytes, {
        ...options,
        ...(table ? { calibTable: { file: "tuned", table } } : {}),
      });
      const { outputs } = load(elf).run({ [c.input]: tensor(x) });
      const found = choices(/** @type {any} */ (Object.values(outputs)[0]).data, samples);
      rows.push({
        ...row,
        top1: share(found, /** @type {any} */ (labels.data)),
        floatTop1: share(float, /** @type {any} */ (labels.data)),
        agreement: share(found, float),
        bytes: report.bytes.total,
        cycles: simulate(loadObject(object, machine)).cycles,
      });
    } catch (e) {
      rows.push({ ...row, top1: null, error: e instanceof Error ? e.message : String(e) });
    }
  }
  return rows;
}
