// @ts-check
// `npm test`: installs and builds what is missing, then runs every test. Arguments go to vitest.
import { CommandFailed, hasModels, prepare, runMain, runTool, SHARED } from "./workspace.mjs";

await runMain(async () => {
  await prepare();
  if (hasModels) console.log(`model pack ${SHARED}`);
  else console.log(`model pack not in ${SHARED} (ACCELC_MODELS): suites that need it are skipped`);
  try {
    runTool("vitest", ["run", ...process.argv.slice(2)]);
  } catch (e) {
    if (!(e instanceof CommandFailed)) throw e;
    process.exitCode = 1;
  }
});
