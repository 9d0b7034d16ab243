import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { main } from "../src/main.js";

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Setting {
  readonly cwd: string;
  readonly tty?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command line in this process with captured streams. */
export async function accelc(argv: readonly string[], { cwd, tty = false, env = {} }: Setting): Promise<Outcome> {
  const text = { out: "", err: "" };
  const sink = (key: "out" | "err") => ({
    isTTY: tty,
    write(chunk: string | Uint8Array) {
      text[key] += typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk);
    },
  });
  const status = await main(argv, { stdout: sink("out"), stderr: sink("err"), cwd, env });
  return { status, stdout: text.out, stderr: text.err };
}

/** A fresh folder that is gone when the test ends. */
export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), "accelc-test-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
