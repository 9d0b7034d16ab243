// @ts-check
// `npm start`: compiles the bundled glyph classifier, runs the binary and compares it with the float model.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CALIBRATION_SEED, generateGlyphs, TEST_SEED, wholeNumber, writeGlyphs } from "../examples/glyphs/generate.mjs";
import { readNpy } from "./npy.mjs";
import { prepare, ROOT, run, runMain, step } from "./workspace.mjs";

const MODEL = "examples/glyphs/glyphs.onnx";
const OUT = "dist/start";
const CALIBRATION_IMAGES = 100;
/** Compiled top-1 may be this much below the float model's, in points. */
const MAX_DROP = 1;

/** @type {(...args: string[]) => string} */
const accelc = (...args) => run(process.execPath, ["packages/cli/bin/accelc.js", ...args], { quiet: true });

/**
 * Row-wise index of the largest value.
 *
 * @param {ArrayLike<number>} values
 * @param {number} width
 */
function predictions(values, width) {
  return Array.from({ length: values.length / width }, (_, row) => {
    let best = row * width;
    for (let i = best + 1; i < (row + 1) * width; i++) if (values[i] > values[best]) best = i;
    return best - row * width;
  });
}

/**
 * Class of every image by the float model in ONNX Runtime.
 *
 * @param {Float32Array} images
 * @param {readonly number[]} shape
 */
async function floatPredictions(images, shape) {
  const { createOracle } = await import("@accelc/oracle");
  const oracle = await createOracle(readFileSync(join(ROOT, MODEL)));
  const size = images.length / shape[0];
  /** @type {number[]} */
  const classes = [];
  for (let i = 0; i < shape[0]; i++) {
    const image = images.subarray(i * size, (i + 1) * size);
    const found = await oracle.run({ image: { type: "float32", shape: [1, ...shape.slice(1)], data: image } });
    const { data, shape: dims } = /** @type {{ data: Float32Array, shape: readonly number[] }} */ (found.get("logits"));
    classes.push(...predictions(data, dims[1]));
  }
  await oracle.release();
  return classes;
}

/** @type {(file: string) => any} */
const readJson = (file) => JSON.parse(readFileSync(join(ROOT, file), "utf8"));
/** @type {(part: number, whole: number) => string} */
const percent = (part, whole) => `${((100 * part) / whole).toFixed(2)} %`;
/** @type {(n: number) => string} */
const grouped = (n) => n.toLocaleString("en-US");

/** @param {readonly (readonly [string, string, string])[]} rows */
function printTable(rows) {
  const widths = [0, 1].map((c) => Math.max(...rows.map((r) => r[c].length)));
  console.log();
  for (const [name, value, note] of rows)
    console.log(`${name.padEnd(widths[0])}  ${value.padStart(widths[1])}  ${note}`.trimEnd());
  console.log();
}

/**
 * @param {readonly number[]} a
 * @param {ArrayLike<number>} b
 */
const equal = (a, b) => a.filter((x, i) => x === b[i]).length;

async function main() {
  const string = /** @type {const} */ ({ type: "string" });
  const { values } = parseArgs({ options: { seed: string, images: string } });
  const seed = wholeNumber(values.seed ?? `${TEST_SEED}`, "seed");
  const count = wholeNumber(values.images ?? "500", "images");
  if (count < 1) throw new Error("--images needs at least one image");
  await prepare();

  rmSync(join(ROOT, OUT), { recursive: true, force: true });
  mkdirSync(join(ROOT, OUT), { recursive: true });
  const { images, labels, shape } = await step(
    "images",
    () => {
      writeGlyphs({ seed, count, out: join(ROOT, OUT, "test") });
      writeGlyphs({ seed: CALIBRATION_SEED, count: CALIBRATION_IMAGES, out: join(ROOT, OUT, "calibration") });
      return generateGlyphs({ seed, count });
    },
    () => `${count} of seed ${seed} to test, ${CALIBRATION_IMAGES} of seed ${CALIBRATION_SEED} to calibrate`,
  );
  const [elf, report, stats] = ["glyphs.elf", "compile.json", "run.json"].map((f) => `${OUT}/${f}`);
  await step(
    "compile",
    () => accelc("compile", MODEL, "-o", elf, "--calib", `image=${OUT}/calibration/x.npy`, "--report-json", report),
    () => `${MODEL} to ${elf}`,
  );
  await step(
    "run",
    () => accelc("run", elf, "--input", `image=${OUT}/test/x.npy`, "--output-dir", OUT, "--stats-json", stats),
    () => `${elf} in the emulator`,
  );
  const float = await step(
    "reference",
    () => floatPredictions(images, shape),
    () => "float model in ONNX Runtime",
  );

  const logits = readNpy(join(ROOT, OUT, "logits.npy"));
  if (logits.shape.join() !== `${count},20`) throw new Error(`logits.npy has shape ${logits.shape}`);
  const compiled = predictions(/** @type {Float32Array} */ (logits.data), logits.shape[1]);
  const c = readJson(report);
  const r = readJson(stats);
  const { array } = (await import("@accelc/machine")).machinePreset(c.target);
  const floatRight = equal(float, labels);
  const compiledRight = equal(compiled, labels);
  printTable([
    ["float top-1", percent(floatRight, count), `${floatRight} of ${count}, ONNX Runtime`],
    ["compiled top-1", percent(compiledRight, count), `${compiledRight} of ${count}, ${c.precision} on ${c.target}`],
    ["agreement", percent(equal(compiled, float), count), "same class as the float model"],
    ["instructions", grouped(c.instructions), `32-bit words in ${c.blocks.length} blocks`],
    [
      "bytes",
      grouped(c.bytes.total),
      `weights ${grouped(c.bytes.weights)}, activations ${grouped(c.bytes.activations)}`,
    ],
    ["MACs", grouped(c.macs), "per image"],
    ["cycles", grouped(c.cycles.estimated), `per image, simulated; at least ${grouped(c.cycles.lowerBound)}`],
    ["utilization", percent(c.macs, c.cycles.estimated * array.rows * array.columns), "MACs of the array's peak"],
    ["seconds", c.seconds.total.toFixed(2), "to compile"],
    ["", r.secondsPerSample.toFixed(4), `per image, ${(c.macs / r.secondsPerSample / 1e6).toFixed(0)} MMAC/s`],
    ["report", "", report],
  ]);
  const drop = (100 * (floatRight - compiledRight)) / count;
  if (drop > MAX_DROP) throw new Error(`compiled top-1 is ${drop.toFixed(2)} points below float, ${MAX_DROP} allowed`);
}

await runMain(main);
