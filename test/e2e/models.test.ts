import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { decodeModel, elementType, toNumber } from "@accelc/frontend";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readNpy } from "../../scripts/npy.mjs";
import { hasModels, SHARED } from "../../scripts/workspace.mjs";
import { CASES, succeed, temporaryFolder } from "./support.js";

const fileNameOf = (output: string): string => `${output.replace(/[^A-Za-z0-9_.-]/g, "_")}.npy`;

/** Names, shapes and element types of a model's outputs; a dynamic first dimension is 1. */
function declaredOutputs(model: string) {
  const { graph } = decodeModel(new Uint8Array(readFileSync(model)), basename(model));
  return (graph?.output ?? []).map((o) => {
    const tensor = o.type?.tensorType;
    const dims = (tensor?.shape?.dim ?? []).map((d) => (d.dimValue ? toNumber(d.dimValue) : 1));
    return { name: o.name ?? "", shape: dims, type: elementType(tensor?.elemType ?? 0).name };
  });
}

const NUMPY: Readonly<Record<string, string>> = { float32: "<f4", int64: "<i8" };

if (!hasModels) console.log(`end to end: no model pack in ${SHARED} (ACCELC_MODELS), only the bundled model runs`);

describe.each(CASES)("$name", (c) => {
  const folder = temporaryFolder();
  const cwd = folder.path;
  const compileTo = (elf: string) => succeed(cwd, "compile", c.model, "-o", elf, "--calib", `${c.input}=calib.npy`);
  const read = (name: string): Buffer => readFileSync(join(cwd, name));

  beforeAll(async () => {
    c.prepare(cwd);
    await compileTo("model.elf");
  });
  afterAll(folder.dispose);

  it("compiles to the same bytes again, from a file of any name", async () => {
    copyFileSync(c.model, join(cwd, "other.onnx"));
    await succeed(cwd, "compile", "other.onnx", "-o", "again.elf", "--calib", `${c.input}=calib.npy`, "--quiet");
    expect(read("again.elf").equals(read("model.elf"))).toBe(true);
  });

  it("is the same bytes after disasm and asm", async () => {
    await succeed(cwd, "disasm", "model.elf", "-o", "model.s");
    await succeed(cwd, "asm", "model.s", "-o", "back.elf");
    expect(read("back.elf").equals(read("model.elf"))).toBe(true);
  });

  it(`has no mismatch in any tensor of ${c.samples} samples`, async () => {
    const argv = ["verify", c.model, "--calib", `${c.input}=calib.npy`, "--input", `${c.input}=x.npy`, "--json"];
    const report = JSON.parse(await succeed(cwd, ...argv));
    expect(report).toMatchObject({ samples: c.samples, mismatches: 0, firstDivergence: null });
    const compared = report.tensors.filter((t: { name: string }) => !report.fused.includes(t.name));
    expect(compared.length).toBeGreaterThan(1);
    for (const t of compared) expect(t, t.name).toMatchObject({ mismatchesIntegerVsEmulator: 0 });
    const names = compared.map((t: { name: string }) => t.name);
    expect(names).toEqual(expect.arrayContaining(declaredOutputs(c.model).map((o) => o.name)));
  });

  it("gives the model's outputs by name, shape and type, one row per sample", async () => {
    await succeed(cwd, "run", "model.elf", "--input", `${c.input}=x.npy`, "--output-dir", "out");
    const declared = declaredOutputs(c.model);
    expect(readdirSync(join(cwd, "out")).sort()).toEqual(declared.map((o) => fileNameOf(o.name)).sort());
    for (const o of declared) {
      const { descr, shape, data } = readNpy(join(cwd, "out", fileNameOf(o.name)));
      expect({ descr, shape }).toEqual({
        descr: NUMPY[o.type],
        shape: [c.samples * (o.shape[0] ?? 1), ...o.shape.slice(1)],
      });
      expect(Array.from(data as Float32Array).every(Number.isFinite)).toBe(true);
    }
  });
});
