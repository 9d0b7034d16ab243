// @ts-check
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { compile } from "@accelc/compiler";
import { createImage, createTeam, load, loadImage } from "@accelc/emulator";
import { writeNpy } from "../scripts/npy.mjs";
import { median, medianSeconds, rounded, runProcess } from "./measure.mjs";
import { openSession, tensor } from "./ort.mjs";
import { openNative } from "./ort-native.mjs";

/**
 * @typedef {{ type: string, shape: readonly number[], data: any }} Feed
 * @typedef {Readonly<Record<string, Feed>>} Feeds
 * @typedef {object} Source
 * @property {string} name
 * @property {boolean} small is the reference engine measured, too?
 * @property {Uint8Array} bytes
 * @property {Feeds} calibration
 * @property {(samples: number) => Feeds} feeds samples along axis 0
 */

const ACCELC = fileURLToPath(new URL("../packages/cli/bin/accelc.js", import.meta.url));
/** Networks that are also run on this many samples in one call. */
const BATCHES = /** @type {Readonly<Record<string, number>>} */ ({ "cifar-resnet-4b": 500 });
/** Precisions in which networks run beside int8. */
const PRECISIONS = /** @type {Readonly<Record<string, readonly ("fp16" | "hfp8")[]>>} */ ({
  "cifar-resnet-4b": ["fp16", "hfp8"],
  resnet50: ["fp16", "hfp8"],
});
const MEGABYTE = 1e6;

/** @type {(t: Feed, samples: number, one: number) => Feed} the samples of a tensor, repeated from its first ones on */
function repeated({ type, shape, data }, samples, one) {
  const size = (data.length / shape[0]) * one;
  const out = new data.constructor(samples * size);
  for (let i = 0; i < samples; i++) {
    const from = (i % (shape[0] / one)) * size;
    out.set(data.subarray(from, from + size), i * size);
  }
  return { type, shape: [samples * one, ...shape.slice(1)], data: out };
}

/**
 * @param {import("./networks.mjs").Network | string} network
 * @returns {Promise<Source>}
 */
async function sourceOf(network) {
  if (typeof network === "string") {
    const { buildZoo, zooData, zooNetwork } = await import("@accelc/zoo");
    const found = zooNetwork(network);
    if (found === undefined) throw new Error(`the zoo has no ${network}`);
    const calibration = /** @type {any} */ (zooData(found, {}, 1));
    return {
      name: network,
      small: false,
      bytes: buildZoo(found),
      calibration,
      feeds: (n) => /** @type {any} */ (zooData(found, {}, n)),
    };
  }
  const { shape, data } = network.calibration();
  const samples = { type: "float32", shape, data };
  return {
    name: network.name,
    small: true,
    bytes: new Uint8Array(readFileSync(network.model)),
    calibration: { [network.input]: samples },
    feeds: (n) => ({ [network.input]: repeated(samples, n, network.shape[0]) }),
  };
}

/** @type {(x: number | undefined) => number | null} */
const orNull = (x) => (x === undefined ? null : rounded(x));

/**
 * Seconds of one sample, or of `samples` in one call, in the emulator and in ONNX Runtime on the float model, in one
 * process, in turn, each on one thread. MACs are those the network asks for, not those the array spends on padding.
 *
 * @param {import("./networks.mjs").Network | string} network
 */
export async function benchEmulator(network) {
  const source = await sourceOf(network);
  const { name, bytes, calibration } = source;
  const { elf, report, object } = await compile(bytes, { calibration: /** @type {any} */ (calibration) });
  const rows = await inProcess(source, elf, report.macs, 1);
  const batch = BATCHES[name];
  if (batch !== undefined) rows.push(...(await inProcess({ ...source, small: false }, elf, report.macs, batch)));
  for (const precision of PRECISIONS[name] ?? []) {
    const other = await compile(bytes, { calibration: /** @type {any} */ (calibration), precision });
    const found = await inProcess({ ...source, small: false }, other.elf, report.macs, 1);
    rows.push(...found.map((row) => ({ ...row, precision })));
  }
  const processes = asProcess(source, elf, elf.length + object.bssSize, rows[0].seconds);
  const alone = (/** @type {any} */ row) => row.engine === "fast" && row.samples === 1 && row.precision === "int8";
  return rows.map((row) => (alone(row) ? { ...row, ...processes } : row));
}

/** @type {(elf: Uint8Array) => import("@accelc/emulator").Program} in memory that threads can share, where there is such */
function programOf(elf) {
  const image = createImage(elf.length);
  image?.bytes.set(elf);
  return image === undefined ? load(elf) : loadImage(image);
}

/** @type {(program: import("@accelc/emulator").Program) => Promise<{ session: import("@accelc/emulator").Session, end: () => Promise<unknown> } | undefined>} a session that another thread helps */
async function withHelper(program) {
  const team = createTeam(program.memory, 1);
  if (team === undefined) return undefined;
  const worker = new Worker(new URL("./helper.mjs", import.meta.url), { workerData: team.jobs[0] });
  await new Promise((done) => worker.once("online", done));
  return {
    session: program.session({ team }),
    end: async () => {
      team.end();
      await worker.terminate();
    },
  };
}

/** @type {(source: Source, elf: Uint8Array, macs: number, samples: number) => Promise<any[]>} */
async function inProcess({ name, small, bytes, feeds }, elf, macs, samples) {
  const program = programOf(elf);
  const session = program.session();
  const helped = samples === 1 ? await withHelper(program) : undefined;
  const inputs = /** @type {any} */ (feeds(samples));
  const begin = performance.now();
  session.run(inputs);
  const firstSeconds = (performance.now() - begin) / 1000;
  const one = Array.from({ length: samples }, (_, i) => oneOf(inputs, samples, i));
  const wasm = await openSession(bytes);
  const native = await openNative(bytes);
  const wasmFeeds = one.map((f) =>
    Object.fromEntries(Object.entries(f).map(([n, t]) => [n, tensor(t.data, t.shape, t.type)])),
  );
  const each = async (/** @type {any} */ s, /** @type {any[]} */ list) => {
    for (const f of list) await s.run(f);
  };
  const works = {
    wasm: () => each(wasm, wasmFeeds),
    fast: () => session.run(inputs),
    ...(helped === undefined ? {} : { helped: () => helped.session.run(inputs) }),
    profiled: () => session.run(inputs, { profile: true }),
    ...(native === null ? {} : { native: () => each(native, one) }),
    ...(small ? { reference: () => session.run(inputs, { engine: "reference" }) } : {}),
  };
  const medians = await medianSeconds(Object.values(works));
  const seconds = /** @type {Record<string, number>} */ (
    Object.fromEntries(Object.keys(works).map((k, i) => [k, medians[i]]))
  );
  const { stats, profile } = session.run(inputs, { profile: true });
  if (profile === undefined) throw new Error("a profiled run has a profile");
  await wasm.release();
  await native?.release();
  await helped?.end();
  const row = (/** @type {string} */ engine, /** @type {number} */ s) => ({
    bench: "emulator",
    network: name,
    engine,
    precision: "int8",
    seconds: rounded(s),
    gmacPerSecond: rounded((samples * macs) / s / 1e9),
    ortNativeSeconds: orNull(seconds.native),
    ortWasmSeconds: rounded(seconds.wasm),
    ratio: rounded(s / seconds.wasm),
    samples,
    macs,
    threads: 1,
  });
  const share = (/** @type {number} */ x) => rounded(x / profile.seconds);
  const fast = {
    ...row("fast", seconds.fast),
    firstSeconds: rounded(firstSeconds),
    gemmShare: share(profile.gemm),
    tandemShare: share(profile.tandem),
    transferShare: share(profile.transfer),
    profileOverhead: rounded(seconds.profiled / seconds.fast - 1),
    twoThreadSampleSpeedup: seconds.helped === undefined ? null : rounded(seconds.fast / seconds.helped),
    fallbacks: Object.fromEntries(stats.fallbacks),
  };
  return small ? [fast, row("reference", seconds.reference)] : [fast];
}

/** @type {(feeds: Feeds, samples: number, i: number) => Feeds} */
const oneOf = (feeds, samples, i) =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { type, shape, data }]) => {
      const size = data.length / samples;
      return [
        name,
        { type, shape: [shape[0] / samples, ...shape.slice(1)], data: data.slice(i * size, (i + 1) * size) },
      ];
    }),
  );

/** Samples that take a thread some seconds, and how often each number of threads is measured. */
const THREADS_SECONDS = 3;
const ROUNDS = 3;
const MOST_ELEMENTS = 2 ** 26;

/**
 * `accelc run` as processes: memory on one sample, time on many samples by one and by two threads, in turn.
 *
 * @param {Source} source
 * @param {Uint8Array} elf
 * @param {number} programBytes ELF file and activations
 * @param {number} seconds of a sample
 */
function asProcess({ feeds }, elf, programBytes, seconds) {
  const folder = mkdtempSync(join(tmpdir(), "accelc-bench-"));
  try {
    const at = (/** @type {string} */ file) => join(folder, file);
    writeFileSync(at("p.elf"), elf);
    const size = Object.values(feeds(1)).reduce((sum, t) => sum + t.data.length, 0);
    const samples = Math.min(Math.floor(MOST_ELEMENTS / size), Math.max(4, Math.ceil(THREADS_SECONDS / seconds)));
    const run = (/** @type {number} */ n, /** @type {number} */ threads) => {
      const files = Object.entries(feeds(n)).map(([name, { type, shape, data }], i) => {
        writeNpy(at(`${n}-${i}.npy`), { descr: /** @type {any} */ (type === "float32" ? "<f4" : "<i8"), shape, data });
        return ["--input", `${name}=${at(`${n}-${i}.npy`)}`];
      });
      const { peakBytes, cpuSeconds } = runProcess([
        ACCELC,
        "run",
        at("p.elf"),
        ...files.flat(),
        "--threads",
        String(threads),
        "--quiet",
        "--stats-json",
        at("s.json"),
      ]);
      return { peakBytes, cpuSeconds, seconds: JSON.parse(readFileSync(at("s.json"), "utf8")).seconds };
    };
    const pairs = Array.from({ length: ROUNDS }, () => [run(samples, 1), run(samples, 2)]);
    return {
      peakBytes: run(1, 1).peakBytes,
      peakBoundBytes: Math.round(2.5 * programBytes + 150 * MEGABYTE),
      threadSamples: samples,
      twoThreadSpeedup: rounded(median(pairs.map(([one, two]) => one.seconds / two.seconds))),
      twoThreadWork: rounded(median(pairs.map(([one, two]) => two.cpuSeconds / one.cpuSeconds))),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
