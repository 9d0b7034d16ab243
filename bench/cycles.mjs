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
 * How the search's figures compare with the simulation: its estimate of all blocks, each by itself with what the block before
 * leaves to it, and of single blocks in their places; and how far below its estimate a mapping's lower bound is.
 *
 * @param {readonly import("@accelc/compiler").BlockReport[]} blocks
 */
function searched(blocks) {
  const found = blocks.flatMap(({ search, estimated = 0, cycles }) =>
    search ? [{ ...search, estimated, simulated: cycles }] : [],
  );
  const share = (/** @type {number[]} */ list) => ({
    worst: rounded(Math.max(0, ...list)),
    mean: rounded(list.reduce((a, b) => a + b, 0) / Math.max(1, list.length)),
  });
  const sum = (/** @type {(s: (typeof found)[number]) => number} */ of) => found.reduce((n, s) => n + of(s), 0);
  const single = share(found.map((s) => Math.abs(s.estimated / s.simulated - 1)));
  const bound = share(found.map((s) => 1 - s.least / s.cycles));
  return {
    blocks: found.length,
    estimateAll: rounded(sum((s) => s.estimated) / sum((s) => s.simulated) - 1),
    estimateWorst: single.worst,
    estimateMean: single.mean,
    boundWorst: bound.worst,
    boundMean: bound.mean,
    measured: sum((s) => s.measured),
    proven: found.filter((s) => s.left === 0).length,
  };
}

/**
 * @param {import("./networks.mjs").Network | string} network
 * @param {string} target
 */
async function measure(network, target) {
  const { bytes, calibration } = await source(network);
  const machine = machinePreset(target);
  const { object, report, integerGraph } = await compile(bytes, { target: machine, calibration });
  const program = loadObject(object, machine);
  const start = performance.now();
  const { cycles, tandemShare, busy, blocks } = simulate(program);
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
    nonGemmShare: rounded(nonGemmShare(integerGraph, blocks, busy)),
    macs: report.macs,
    ...searched(report.blocks),
    simulateSeconds: rounded(simulateSeconds),
  };
}

/**
 * Busy cycles of what is no GEMM, of those of both units: as in the thesis, Figure 4.21, depthwise convolutions count, on
 * whichever unit they run.
 *
 * @param {import("@accelc/ir").Graph} graph
 * @param {readonly import("@accelc/emulator").BlockCycles[]} blocks
 * @param {{ readonly systolic: number, readonly tandem: number }} busy
 */
function nonGemmShare(graph, blocks, busy) {
  const depthwise = new Set(
    graph.nodes
      .filter((n) => n.op === "conv" && n.attrs.groups > 1 && graph.values.get(n.inputs[1])?.type.shape[1] === 1)
      .map((n) => n.loc.node),
  );
  const onArray = blocks.filter((b) => b.nodes.some((n) => depthwise.has(n))).reduce((n, b) => n + b.busy.systolic, 0);
  return (busy.tandem + onArray) / (busy.tandem + busy.systolic);
}
