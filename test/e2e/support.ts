import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { main } from "accelc";
import { CALIBRATION_SEED, TEST_SEED, writeGlyphs } from "../../examples/glyphs/generate.mjs";
import { readNpy, samples, writeNpy } from "../../scripts/npy.mjs";
import { hasModels, SHARED, SUPPORTED_MODELS } from "../../scripts/workspace.mjs";

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process with captured streams. */
export async function accelc(cwd: string, ...argv: readonly string[]): Promise<Outcome> {
  const text = { out: "", err: "" };
  const sink = (key: "out" | "err") => ({
    isTTY: false,
    write(chunk: string | Uint8Array) {
      text[key] += typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk);
    },
  });
  const status = await main(argv, { stdout: sink("out"), stderr: sink("err"), cwd, env: {} });
  return { status, stdout: text.out, stderr: text.err };
}

/** As `accelc`, for what must succeed and say nothing on standard error. */
export async function succeed(cwd: string, ...argv: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await accelc(cwd, ...argv);
  if (status !== 0 || stderr !== "") throw new Error(`accelc ${argv.join(" ")}: exit ${status}\n${stderr}`);
  return stdout;
}

/** A model with calibration data and inputs. */
export interface Case {
  readonly name: string;
  readonly model: string;
  readonly input: string;
  /** Samples in the input file that `prepare` writes. */
  readonly samples: number;
  /** Writes `calib.npy` and `x.npy` into a folder. */
  prepare(folder: string): void;
}

export const glyphs: Case = {
  name: "glyphs",
  model: fileURLToPath(new URL("../../examples/glyphs/glyphs.onnx", import.meta.url)),
  input: "image",
  samples: 4,
  prepare(folder) {
    for (const [seed, count, name] of [
      [CALIBRATION_SEED, 20, "calib"],
      [TEST_SEED, this.samples, "x"],
    ] as const) {
      writeGlyphs({ seed, count, out: join(folder, name) });
      writeNpy(join(folder, `${name}.npy`), readNpy(join(folder, name, "x.npy")));
    }
  },
};

interface ManifestCase {
  readonly name: string;
  readonly model: string;
  readonly input: string;
  readonly x: string;
  readonly calib: string;
  readonly inputShape: readonly number[];
}

const MODELS = join(SHARED, "models");
/** Samples of a pack case: a picture of super-resolution is as much work as hundreds of digits. */
const MOST_ELEMENTS = 16_384;

function packCase(c: ManifestCase): Case {
  const elements = c.inputShape.reduce((a, b) => a * b, 1);
  const count = Math.max(2, Math.min(5, Math.floor(MOST_ELEMENTS / elements)));
  return {
    name: c.name,
    model: join(MODELS, c.model),
    input: c.input,
    samples: count,
    prepare(folder) {
      writeNpy(join(folder, "calib.npy"), readNpy(join(MODELS, c.calib)));
      writeNpy(join(folder, "x.npy"), samples(readNpy(join(MODELS, c.x)), 0, count * c.inputShape[0]!));
    },
  };
}

const manifest = (): readonly ManifestCase[] =>
  (JSON.parse(readFileSync(join(MODELS, "manifest.json"), "utf8")) as { cases: readonly ManifestCase[] }).cases;

/** The bundled model, and the supported models of the pack where it is present. */
export const CASES: readonly Case[] = [
  glyphs,
  ...(hasModels ? manifest() : []).filter((c) => SUPPORTED_MODELS.includes(c.name)).map(packCase),
];

export function temporaryFolder(): { readonly path: string; dispose(): void } {
  const path = mkdtempSync(join(tmpdir(), "accelc-e2e-"));
  return { path, dispose: () => rmSync(path, { recursive: true, force: true }) };
}
