// @ts-check
import { readFileSync } from "node:fs";
import { compile } from "@accelc/compiler";
import { loadObject, simulate } from "@accelc/emulator";
import { machinePreset } from "@accelc/machine";
import { rounded } from "./measure.mjs";

const TARGET = "tandem-32x32";
const SWEEP = ["tandem-8x8", "tandem-16x16", TARGET, "tandem-64x64", "tandem-128x128"];

/**
 * A model's bytes and calibration data: of a network of the bench, or of the zoo by its name.
 *
 * @param {import("./networks.mjs").Network | string} network
 * @returns {Promise<{ bytes: Uint8Array, calibration: any }>}
 */
async function source(network) {
  if (typeof network === "string") {
    const { buildZoo, zooData, zooNetwork } = await import("@accelc/zoo");
    const found = zooNetwork(network);
    if (found === undefined) throw new Error(`the zoo has no ${network}`);
    return { bytes: buildZoo(found), calibration: zooData(found, {}, 1) };
  }
  const { shape, data } = network.calibration();
  const samples = { type: "float32", shape, data: /** @type {Float32Array} */ (data) };
  return { bytes: new Uint8Array(readFileSync(network.model)), calibration: { [network.input]: samples } };
}

/**
 * One sample on the machine as it is simulated: deterministic, so measured once. Where a network does not compile, the row
 * says why.
 *
 * @param {import("./networks.mjs").Network | string} network
 */
export const benchCycles = (network) => row("cycles", network, TARGET);

/**
 * The same on arrays of every size.
 *
 * @param {import("./networks.mjs").Network | string} network
 */
export async function benchSweep(network) {
  const rows = [];
  for (const target of SWEEP) rows.push(await row("sweep", network, target));
  return rows;
}

/**
 * @param {string} bench
 * @param {import("./networks.mjs").Network | string} network
 * @param {string} target
 */
async function row(bench, network, target) {
  const row = { bench, network: typeof network === "string" ? network : network.name, target };
  try {
    return { ...row, ...(await measure(network, target)) };
  } catch (e) {
    return { ...row, cycles: null, error: e instanceof Error ? e.message : String(e) };
  }
}

/**
 * @param {import("./networks.mjs").Network | string} network
 * @param {string} target
 */
async function measure(network, target) {
  const { bytes, calibration } = await source(network);
  const machine = machinePreset(target);
  const { object, report } = await compile(bytes, { target: machine, calibration });
  const program = loadObject(object, machine);
  const start = performance.now();
  const { cycles, tandemShare, busy } = simulate(program);
  const simulateSeconds = (performance.now() - start) / 1000;
  const { lowerBound } = report.cycles;
  return {
    cycles,
    lowerBound,
    ratio: lowerBound === null ? null : rounded(cycles / lowerBound),
    macUtilization: rounded(report.macs / (cycles * machine.array.rows * machine.array.columns)),
    systolicShare: rounded(busy.systolic / cycles),
    tandemShare: rounded(tandemShare),
    dramShare: rounded(busy.dram / cycles),
    macs: report.macs,
    simulateSeconds: rounded(simulateSeconds),
  };
}
