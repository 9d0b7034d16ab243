// @ts-check
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, parse } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "@accelc/compiler";
import { median, medianSeconds, rounded, runProcess } from "./measure.mjs";
import { writeCalibration } from "./networks.mjs";
import { openSession } from "./ort.mjs";

/** @typedef {import("./networks.mjs").Network} Network */

const ACCELC = fileURLToPath(new URL("../packages/cli/bin/accelc.js", import.meta.url));
const ORT = fileURLToPath(new URL("ort.mjs", import.meta.url));
const RUNS = 5;
/** Of networks of the zoo, and of those among them whose files are larger than this. */
const ZOO_RUNS = 3;
const LARGE = 200e6;
const LARGE_RUNS = 1;
const MEGABYTE = 1e6;
/** What a compilation does once the model is read and calibrated; the float passes come before calibration, but are no part of it. */
const AFTER_CALIBRATION = ["canonicalize", "quantize", "lower", "link"];

/**
 * Process after process, `accelc compile` and opening a session of the same model in ONNX Runtime in turn.
 *
 * @param {string} model path of the ONNX file
 * @param {readonly string[]} calib flags
 * @param {string} folder for results
 * @param {number} runs
 */
function processes(model, calib, folder, runs) {
  const [elf, report] = ["out.elf", "report.json"].map((f) => join(folder, f));
  const argv = [ACCELC, "compile", model, "-o", elf, ...calib, "--report-json", report, "--quiet"];
  const own = () => {
    const measured = runProcess(argv);
    const { seconds } = JSON.parse(readFileSync(report, "utf8"));
    const after = AFTER_CALIBRATION.reduce((sum, stage) => sum + seconds[stage], 0);
    const { cpuSeconds } = runProcess([...argv.slice(0, 5), ...calib, "--stop-after", "calibrate", "--quiet"]);
    return { ...measured, after, afterCpu: measured.cpuSeconds - cpuSeconds, calibrate: seconds.calibrate };
  };
  if (runs > 1) own();
  const pairs = Array.from({ length: runs }, () => /** @type {const} */ ([own(), runProcess([ORT, model])]));
  /** @type {(f: (pair: (typeof pairs)[number]) => number) => number} */
  const of = (f) => median(pairs.map(f));
  return {
    seconds: rounded(of(([c]) => c.seconds)),
    cpuSeconds: rounded(of(([c]) => c.cpuSeconds)),
    calibrateSeconds: rounded(of(([c]) => c.calibrate)),
    afterCalibrationSeconds: rounded(of(([c]) => c.after)),
    afterCalibrationCpuSeconds: rounded(of(([c]) => c.afterCpu)),
    peakBytes: of(([c]) => c.peakBytes),
    peakBoundBytes: Math.round(3 * statSync(model).size + 300 * MEGABYTE),
    ortSessionSeconds: rounded(of(([, ort]) => ort.seconds)),
    ortCpuSeconds: rounded(of(([, ort]) => ort.cpuSeconds)),
    ratio: rounded(of(([c, ort]) => c.seconds / ort.seconds)),
    ortPeakBytes: of(([, ort]) => ort.peakBytes),
  };
}

/**
 * A network of the zoo by its name, calibrated on one sample, or another.
 *
 * @param {Network | string} network
 */
export async function benchCompile(network) {
  const folder = mkdtempSync(join(tmpdir(), "accelc-bench-"));
  try {
    return typeof network === "string" ? zooRow(network, folder) : await row(network, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @type {(name: string, folder: string) => object} */
function zooRow(name, folder) {
  const [model, data] = [join(folder, "model.onnx"), join(folder, "calib")];
  runProcess([ACCELC, "zoo", name, "-o", model, "--calib-dir", data, "--calib-samples", "1", "--quiet"]);
  const calib = readdirSync(data).flatMap((file) => ["--calib", `${parse(file).name}=${join(data, file)}`]);
  const runs = statSync(model).size > LARGE ? LARGE_RUNS : ZOO_RUNS;
  return { bench: "compile", network: name, ...processes(model, calib, folder, runs) };
}

/** @type {(network: Network, folder: string) => Promise<object>} */
async function row(network, folder) {
  const calib = join(folder, "calib.npy");
  writeCalibration(network, calib);
  const measured = processes(network.model, ["--calib", `${network.input}=${calib}`], folder, RUNS);
  const [warmSeconds, ortWarmSessionSeconds] = await medianSeconds(warm(network), { least: 3 });
  return {
    bench: "compile",
    network: network.name,
    ...measured,
    warmSeconds: rounded(warmSeconds),
    ortWarmSessionSeconds: rounded(ortWarmSessionSeconds),
  };
}

/** @param {Network} network */
function warm({ model, input, calibration }) {
  const bytes = new Uint8Array(readFileSync(model));
  const { shape, data } = calibration();
  const samples = { type: "float32", shape, data: /** @type {Float32Array} */ (data) };
  return [
    () => compile(bytes, { calibration: { [input]: /** @type {any} */ (samples) } }),
    async () => (await openSession(model)).release(),
  ];
}
