// @ts-check
// `npm run fuzz -- [--seconds N] [--seed N]`: mutated programs and binaries on both engines of the emulator for a time.
// What makes them differ is minimized and kept in test/fuzz-corpus, which every test run replays.
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { CommandFailed, prepare, runMain, runTool } from "./workspace.mjs";

await runMain(async () => {
  const { values } = parseArgs({ options: { seconds: { type: "string" }, seed: { type: "string" } } });
  const seed = values.seed ?? String(randomInt(1, 2 ** 30));
  await prepare();
  Object.assign(process.env, {
    ACCELC_FUZZ_SECONDS: values.seconds ?? "600",
    ACCELC_FUZZ_KEEP: "1",
    ACCELC_SEED: seed,
  });
  try {
    runTool("vitest", ["run", "test/engine-fuzz.test.ts"]);
  } catch (e) {
    if (!(e instanceof CommandFailed)) throw e;
    process.exitCode = 1;
  }
});
