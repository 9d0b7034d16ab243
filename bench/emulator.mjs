// @ts-check
import { readFileSync } from "node:fs";
import { compile } from "@accelc/compiler";
import { load } from "@accelc/emulator";
import { medianSeconds, rounded } from "./measure.mjs";
import { oneSample } from "./networks.mjs";
import { openSession, tensor } from "./ort.mjs";

const ENGINES = /** @type {const} */ (["fast", "reference"]);

/**
 * Seconds per sample of both engines of the emulator and of ONNX Runtime on the float model, in one process, in turn, each
 * on one thread: one row per engine. MACs are those the network asks for, not those the array spends on padding.
 *
 * @param {import("./networks.mjs").Network} network
 */
export async function benchEmulator(network) {
  const { model, input, shape, calibration } = network;
  const { shape: dims, data } = calibration();
  const samples = /** @type {any} */ ({ type: "float32", shape: dims, data });
  const { elf, report } = await compile(new Uint8Array(readFileSync(model)), { calibration: { [input]: samples } });

  const sample = oneSample(network);
  const session = load(elf).session();
  const ort = await openSession(model);
  const inputs = { [input]: { type: "float32", shape, data: sample } };
  const feeds = { [input]: tensor(sample, shape) };
  const [ortWasmSeconds, ...seconds] = await medianSeconds([
    () => ort.run(feeds),
    ...ENGINES.map((engine) => () => session.run(inputs, { engine })),
  ]);
  const { stats } = session.run(inputs, { engine: "fast" });
  await ort.release();
  return ENGINES.map((engine, i) => ({
    bench: "emulator",
    network: network.name,
    engine,
    seconds: rounded(seconds[i]),
    gmacPerSecond: rounded(report.macs / seconds[i] / 1e9),
    ortNativeSeconds: null,
    ortWasmSeconds: rounded(ortWasmSeconds),
    ratio: rounded(seconds[i] / ortWasmSeconds),
    macs: report.macs,
    threads: 1,
    fallbacks: engine === "fast" ? Object.fromEntries(stats.fallbacks) : {},
  }));
}
