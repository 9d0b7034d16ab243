import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { glyphs, succeed, temporaryFolder } from "./support.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** What the emulator is made of; the compiler is not in it. */
const EMULATOR = ["emulator", "isa", "machine", "numerics"];
const BUILT = EMULATOR.every((name) => existsSync(join(ROOT, "packages", name, "dist/index.js")));

const RUN = `
import { readdirSync, readFileSync } from "node:fs";
import { load } from "@accelc/emulator";
const program = load(new Uint8Array(readFileSync("model.elf")));
const bytes = Uint8Array.from(readFileSync(0));
const [input] = program.object.io.inputs;
const image = { type: input.elementType, shape: input.shape, data: new Float32Array(bytes.buffer) };
const { outputs } = program.run({ [input.name]: image });
const values = Object.entries(outputs).map(([name, t]) => [name, { type: t.type, shape: t.shape, data: [...t.data] }]);
console.log(JSON.stringify({ files: readdirSync(".").sort(), outputs: Object.fromEntries(values) }));
`;

/** A folder that holds the emulator's packages, zod, and nothing of the compiler. */
function emulatorAlone(folder: string): void {
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  cpSync(join(ROOT, "node_modules/zod"), join(modules, "zod"), { recursive: true });
  for (const name of EMULATOR) {
    const to = join(modules, "@accelc", name);
    cpSync(join(ROOT, "packages", name, "dist"), join(to, "dist"), { recursive: true });
    copyFileSync(join(ROOT, "packages", name, "package.json"), join(to, "package.json"));
  }
}

// The emulator runs as built; `npm test` builds first.
describe.skipIf(!BUILT)("an ELF file without its model and without the compiler", () => {
  const [build, alone] = [temporaryFolder(), temporaryFolder()];

  beforeAll(async () => {
    glyphs.prepare(build.path);
    await succeed(build.path, "compile", glyphs.model, "-o", "model.elf", "--calib", "image=calib.npy");
    await succeed(build.path, "run", "model.elf", "--input", "image=x.npy", "--output-dir", "out");
    copyFileSync(join(build.path, "model.elf"), join(alone.path, "model.elf"));
    emulatorAlone(alone.path);
    writeFileSync(join(alone.path, "run.mjs"), RUN);
  });
  afterAll(() => {
    build.dispose();
    alone.dispose();
  });

  it("runs and gives the outputs that accelc run gives", () => {
    const npy = (name: string) => {
      const bytes = readFileSync(join(build.path, name));
      return bytes.subarray(10 + bytes.readUInt16LE(8));
    };
    const input = npy("x.npy").subarray(0, 32 * 32 * 4);
    const text = execFileSync(process.execPath, ["run.mjs"], { cwd: alone.path, input, encoding: "utf8", env: {} });
    const { files, outputs } = JSON.parse(text);
    expect(files).toEqual(["model.elf", "node_modules", "run.mjs"]);
    expect(readdirSync(join(alone.path, "node_modules/@accelc")).sort()).toEqual(EMULATOR);
    expect(outputs.logits).toMatchObject({ type: "float32", shape: [1, 20] });
    const expected = new Float32Array(Uint8Array.from(npy("out/logits.npy")).buffer).subarray(0, 20);
    expect(Float32Array.from(outputs.logits.data)).toEqual(expected);
  });
});
