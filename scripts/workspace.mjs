// @ts-check
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Absolute path of the repository. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The folder with the model pack (`models/`) and the ONNX node vectors (`data/`), and whether it is there. */
export const SHARED = resolve(ROOT, process.env.ACCELC_MODELS ?? "../shared");
export const hasModels = existsSync(join(SHARED, "models/manifest.json"));

/** Models of the pack that this version compiles. */
export const SUPPORTED_MODELS = [
  "mnist-8",
  "cifar-resnet-4b",
  "cifar-vit-ibp",
  "super-resolution",
  "face-slim-320",
  "face-rfb-320",
  "cgan-upsample",
  "mscn-cardinality",
  "mnist-tfc-2w2a",
  "cifar10-resnet14-fp32",
  "cifar10-resnet14-pact-w4a4",
  "cifar10-resnet14-pact-w2a2",
];

/** A command that did not end with status 0; `output` is what it printed, where that was kept. */
export class CommandFailed extends Error {
  /**
   * @param {string} command
   * @param {number | null} status
   * @param {string} output
   */
  constructor(command, status, output) {
    super(`${command} ended with ${status === null ? "a signal" : `status ${status}`}`);
    this.name = "CommandFailed";
    this.output = output;
  }
}

/**
 * Runs a command in the repository and waits for it. Its output is passed on, or kept and returned where `quiet`.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ readonly quiet?: boolean }} [options]
 * @returns {string}
 */
export function run(command, args, { quiet = false } = {}) {
  const r = spawnSync(command, args, {
    cwd: ROOT,
    stdio: ["ignore", quiet ? "pipe" : "inherit", quiet ? "pipe" : "inherit"],
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (r.error) throw r.error;
  const output = `${r.stdout ?? ""}${r.stderr ?? ""}`;
  if (r.status !== 0) throw new CommandFailed([command, ...args].join(" "), r.status, output);
  return output;
}

/**
 * Runs an installed package's command.
 *
 * @param {string} name package
 * @param {readonly string[]} args
 * @param {{ readonly quiet?: boolean, readonly bin?: string }} [options] `bin` where the package has several
 */
export function runTool(name, args, { quiet = false, bin } = {}) {
  const folder = join(ROOT, "node_modules", name);
  const { bin: bins } = readJson(join(folder, "package.json"));
  const file = typeof bins === "string" ? bins : bins[bin ?? Object.keys(bins)[0]];
  return run(process.execPath, [join(folder, file), ...args], { quiet });
}

/** @type {(file: string) => any} */
const readJson = (file) => JSON.parse(readFileSync(file, "utf8"));

/** True where node_modules holds what the lockfile says. */
export function isInstalled() {
  const installed = join(ROOT, "node_modules/.package-lock.json");
  if (!existsSync(installed)) return false;
  const found = readJson(installed).packages;
  /** @type {[string, { link?: boolean, optional?: boolean, integrity?: string, version?: string }][]} */
  const wanted = Object.entries(readJson(join(ROOT, "package-lock.json")).packages);
  return wanted
    .filter(([path, p]) => path.startsWith("node_modules/") && !p.optional)
    .every(([path, p]) => found[path]?.integrity === p.integrity && found[path]?.version === p.version);
}

/** Installs what the lockfile says. npm says nothing unless it fails. */
export function install() {
  const npm = process.env.npm_execpath;
  const args = ["ci", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error"];
  if (npm !== undefined && existsSync(npm)) run(process.execPath, [npm, ...args], { quiet: true });
  else run("npm", args, { quiet: true });
}

/** Compiles every package. */
export function build() {
  runTool("typescript", ["-b"], { quiet: true });
}

/** @type {(since: number) => string} seconds since a `performance.now()` */
export const secondsSince = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/**
 * Does one step and prints one line: its name, what it found (`work` may return a text) and how long it took.
 *
 * @template T
 * @param {string} name
 * @param {() => T | Promise<T>} work
 * @param {(result: T) => string} [show]
 * @returns {Promise<T>}
 */
export async function step(name, work, show) {
  const start = performance.now();
  process.stdout.write(`${name.padEnd(10)} `);
  try {
    const result = await work();
    console.log([show?.(result), secondsSince(start)].filter((s) => s !== undefined).join(", "));
    return result;
  } catch (e) {
    console.log(`failed after ${secondsSince(start)}`);
    throw e;
  }
}

/** Makes node_modules and dist what lockfile and sources say, one line per step. */
export async function prepare() {
  if (isInstalled()) console.log("install    up to date");
  else await step("install", install, () => "npm ci");
  await step("build", build, () => "tsc -b");
}

/**
 * Runs a script's main function; a failure prints what went wrong and sets exit status 1.
 *
 * @param {() => Promise<void>} main
 */
export async function runMain(main) {
  try {
    await main();
  } catch (e) {
    if (e instanceof CommandFailed && e.output.trim() !== "") console.error(e.output.trim());
    console.error(e instanceof Error ? e.message : e);
    process.exitCode = 1;
  }
}
