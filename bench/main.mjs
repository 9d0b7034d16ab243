// @ts-check
// `npm run bench -- [NAME] [--only network,network]`: one JSON row per line; see README.md.
import { parseArgs } from "node:util";
import { build, hasModels, install, isInstalled, runMain, SHARED } from "../scripts/workspace.mjs";
import { ACCURACY_CASES, COMPILED, EMULATED, NETWORKS, ZOO_NAMES } from "./networks.mjs";

/** @typedef {import("./networks.mjs").Network} Network */

/** @type {Readonly<Record<string, () => Promise<(network: any) => Promise<object | object[]>>>>} */
const BENCHES = {
  compile: async () => (await import("./compile.mjs")).benchCompile,
  emulator: async () => (await import("./emulator.mjs")).benchEmulator,
  cycles: async () => (await import("./cycles.mjs")).benchCycles,
  sweep: async () => (await import("./cycles.mjs")).benchSweep,
  accuracy: async () => (await import("./accuracy.mjs")).benchAccuracy,
};

/** @type {Readonly<Record<string, readonly string[]>>} */
const ZOO = { compile: COMPILED, emulator: EMULATED, cycles: ZOO_NAMES, sweep: ZOO_NAMES };

/**
 * The networks of a benchmark. Those of the zoo, by name, are simulated, and some of them compiled and emulated.
 *
 * @param {string} bench
 * @param {readonly string[]} chosen
 * @returns {any[]} networks, and names of the zoo
 */ const networksOf = (bench, chosen) => {
  if (bench === "accuracy") return ACCURACY_CASES.filter((c) => chosen.includes(c.name));
  const zoo = ZOO[bench] ?? [];
  return [...NETWORKS.filter((n) => chosen.includes(n.name)), ...zoo.filter((n) => chosen.includes(n))];
};
/**
 * The names asked for, or all; an unknown one is a wrong usage.
 *
 * @param {string} what
 * @param {readonly string[]} asked
 * @param {readonly string[]} known
 */
function choose(what, asked, known) {
  const unknown = asked.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new UsageError(`unknown ${what} ${unknown.join(", ")}; known are ${known.join(", ")}`);
  return asked.length > 0 ? asked : known;
}

class UsageError extends Error {}

function readArguments() {
  try {
    return parseArgs({ allowPositionals: true, options: { only: { type: "string" } } });
  } catch (e) {
    throw new UsageError(e instanceof Error ? e.message : String(e));
  }
}

async function main() {
  const { positionals, values } = readArguments();
  const benches = choose("benchmark", positionals, Object.keys(BENCHES));
  const names = [...new Set([...NETWORKS, ...ACCURACY_CASES].map((n) => n.name)), ...ZOO_NAMES];
  const chosen = choose("network", values.only?.split(",") ?? [], names);
  if (!hasModels) console.error(`no model pack in ${SHARED} (ACCELC_MODELS): only the bundled network runs`);
  if (!isInstalled()) install();
  build();
  for (const bench of benches) {
    const measure = await BENCHES[bench]();
    for (const network of networksOf(bench, chosen))
      for (const row of [await measure(network)].flat()) console.log(JSON.stringify(row));
  }
}

await runMain(async () => {
  try {
    await main();
  } catch (e) {
    if (!(e instanceof UsageError)) throw e;
    console.error(e.message);
    console.error("usage: npm run bench -- [compile] [emulator] [cycles] [sweep] [accuracy] [--only network,network]");
    process.exitCode = 2;
  }
});
