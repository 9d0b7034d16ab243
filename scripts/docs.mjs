// @ts-check
// `npm run docs` writes the generated documents; with --check, compares them instead and exits with status 1 where one differs.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, runMain } from "./workspace.mjs";

/** `renderIsaMarkdown` writes docs/isa.md, `renderMachineTypesMarkdown` docs/machine-types.md. */
const RENDERER = /^render(\w+)Markdown$/;

/** @type {(name: string) => string} */
const kebab = (name) => name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "-").toLowerCase();

/** The documents of every package's exported renderers. */
async function documents() {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const name of readdirSync(join(ROOT, "packages")).sort()) {
    const exported = await import(`../packages/${name}/dist/index.js`);
    for (const [key, render] of Object.entries(exported)) {
      const match = RENDERER.exec(key);
      if (match) found.set(`docs/${kebab(match[1])}.md`, await render());
    }
  }
  return found;
}

await runMain(async () => {
  const check = process.argv.includes("--check");
  for (const [file, text] of await documents()) {
    const path = join(ROOT, file);
    const same = existsSync(path) && readFileSync(path, "utf8") === text;
    if (!same && check) process.exitCode = 1;
    else if (!same) writeFileSync(path, text);
    console.log(`${file} ${same ? "is unchanged" : check ? "is out of date: run npm run docs" : "written"}`);
  }
});
