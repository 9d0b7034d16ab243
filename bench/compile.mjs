// @ts-check
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "@accelc/compiler";
import { median, medianSeconds, rounded, runProcess } from "./measure.mjs";
import { writeCalibration } from "./networks.mjs";
import { openSession } from "./ort.mjs";

const ACCELC = fileURLToPath(new URL("../packages/cli/bin/accelc.js", import.meta.url));
const ORT = fileURLToPath(new URL("ort.mjs", import.meta.url));
const RUNS = 5;

/**
 * `seconds` and `ortSessionSeconds` are whole processes, start to end: `accelc compile` with its calibration, and opening
 * a session of the same model in ONNX Runtime; they take turns. The `warm` ones are calls in a process that did it before.
 *
 * @param {import("./networks.mjs").Network} network
 */
export async function benchCompile(network) {
  const folder = mkdtempSync(join(tmpdir(), "accelc-bench-"));
  try {
    const [calib, elf] = ["calib.npy", "out.elf"].map((f) => join(folder, f));
    writeCalibration(network, calib);
    const argv = [ACCELC, "compile", network.model, "-o", elf, "--calib", `${network.input}=${calib}`, "--quiet"];
    runProcess(argv);
    const pairs = Array.from({ length: RUNS }, () => [runProcess(argv), runProcess([ORT, network.model])]);
    const seconds = median(pairs.map(([own]) => own.seconds));
    const ortSessionSeconds = median(pairs.map(([, ort]) => ort.seconds));
    const [warmSeconds, ortWarmSessionSeconds] = await medianSeconds(warm(network), { least: 3 });
    return {
      bench: "compile",
      network: network.name,
      seconds: rounded(seconds),
      peakBytes: median(pairs.map(([own]) => own.peakBytes)),
      ortSessionSeconds: rounded(ortSessionSeconds),
      ratio: rounded(seconds / ortSessionSeconds),
      warmSeconds: rounded(warmSeconds),
      ortWarmSessionSeconds: rounded(ortWarmSessionSeconds),
      ortPeakBytes: median(pairs.map(([, ort]) => ort.peakBytes)),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {import("./networks.mjs").Network} network */
function warm({ model, input, calibration }) {
  const bytes = new Uint8Array(readFileSync(model));
  const { shape, data } = calibration();
  const samples = { type: "float32", shape, data: /** @type {Float32Array} */ (data) };
  return [
    () => compile(bytes, { calibration: { [input]: /** @type {any} */ (samples) } }),
    async () => (await openSession(model)).release(),
  ];
}
