// @ts-check
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CALIBRATION_SEED, generateGlyphs } from "../examples/glyphs/generate.mjs";
import { readNpy, writeNpy } from "../scripts/npy.mjs";
import { hasModels, ROOT, SHARED, SUPPORTED_MODELS } from "../scripts/workspace.mjs";

/**
 * @typedef {import("../scripts/npy.mjs").Npy} Npy
 * @typedef {object} Network
 * @property {string} name
 * @property {string} model path of the ONNX file
 * @property {string} input name of its input
 * @property {readonly number[]} shape of that input, one sample
 * @property {() => Npy} calibration samples along axis 0, float32
 */

const CALIBRATION_IMAGES = 64;

/** @type {Network} */
const glyphs = {
  name: "glyphs",
  model: join(ROOT, "examples/glyphs/glyphs.onnx"),
  input: "image",
  shape: [1, 1, 32, 32],
  calibration() {
    const { images, shape } = generateGlyphs({ seed: CALIBRATION_SEED, count: CALIBRATION_IMAGES });
    return { descr: "<f4", shape, data: images };
  },
};

/** @returns {Network[]} */
function packNetworks() {
  if (!hasModels) return [];
  const at = join(SHARED, "models");
  /** @type {{ cases: { name: string, model: string, input: string, inputShape: number[], calib: string }[] }} */
  const { cases } = JSON.parse(readFileSync(join(at, "manifest.json"), "utf8"));
  return cases
    .filter((c) => SUPPORTED_MODELS.includes(c.name))
    .map((c) => ({
      name: c.name,
      model: join(at, c.model),
      input: c.input,
      shape: c.inputShape,
      calibration: () => readNpy(join(at, c.calib)),
    }));
}

/** Every network that is here: the bundled one, and those of the model pack where it is present. */
export const NETWORKS = [glyphs, ...packNetworks()];

/** Networks that the toolchain builds itself, as `accelc zoo` names them; calibrated on one sample. */
export const ZOO_NAMES = [
  "vgg16",
  "resnet50",
  "mobilenetv2",
  "efficientnet-b0",
  "yolov3-416",
  "bert-base-128",
  "gpt2-128",
  "vit-b16",
];

/** Those of them whose compilation is measured. */
export const COMPILED = ["vgg16", "resnet50", "mobilenetv2", "efficientnet-b0", "yolov3-416", "bert-base-128"];

/** Those of them that the emulator is measured on. */
export const EMULATED = ["vgg16", "resnet50", "mobilenetv2", "bert-base-128"];

/**
 * Writes a network's calibration data as a file for the command line.
 *
 * @param {Network} network
 * @param {string} file
 */
export const writeCalibration = ({ calibration }, file) => writeNpy(file, calibration());

/**
 * @typedef {object} AccuracyCase of the model pack, judged by its first choice
 * @property {string} name
 * @property {string} model
 * @property {string} input
 * @property {number[]} inputShape
 * @property {string} calib
 * @property {string} x
 * @property {Record<string, string>} files outputs of the reference
 * @property {{ kind: string, labels: string }} metric
 */

/** @returns {AccuracyCase[]} */
function accuracyCases() {
  if (!hasModels) return [];
  const { cases } = JSON.parse(readFileSync(join(SHARED, "models/manifest.json"), "utf8"));
  return cases.filter((/** @type {AccuracyCase} */ c) => c.metric.kind === "top1");
}

/** The cases of the model pack that have labels. */
export const ACCURACY_CASES = accuracyCases();
