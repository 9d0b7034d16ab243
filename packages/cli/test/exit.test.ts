import { AccelcError, CompilerBug } from "@accelc/ir";
import { describe, expect, it } from "vitest";
import { blame, reportError, UsageError } from "../src/exit.js";
import { progressOn } from "../src/progress.js";

function report(e: unknown, style = { json: false }, env = {}) {
  let stderr = "";
  const sink = {
    isTTY: false,
    write(s: string | Uint8Array) {
      stderr += s;
    },
  };
  const status = reportError({ stdout: sink, stderr: sink, cwd: "/", env }, e, style);
  return { status, stderr };
}

describe("reportError", () => {
  it("gives 1 for the user's input, 2 for usage, 70 for defects", () => {
    const d = { code: "FE2002", location: { model: "m.onnx" }, message: "the model holds no graph", hint: "look" };
    expect(report(new AccelcError([d]))).toEqual({
      status: 1,
      stderr: "m.onnx: FE2002: the model holds no graph\n  help: look\n",
    });
    expect(report(new UsageError("--a needs --b"))).toEqual({ status: 2, stderr: "accelc: --a needs --b\n" });
    expect(report(new CompilerBug("fold-batch-norm", "value x is defined twice"))).toEqual({
      status: 70,
      stderr:
        "accelc: internal error in fold-batch-norm: value x is defined twice\n  This is a defect of accelc. Please report it with the model and the command line.\n",
    });
  });

  it("names where an unexpected exception came from, and shows its stack only on request", () => {
    const error = blame(new RangeError("out of bounds"), "the emulator");
    const plain = report(error);
    expect(plain.status).toBe(70);
    expect(plain.stderr).toContain("accelc: internal error in the emulator: out of bounds\n");
    expect(plain.stderr).not.toContain("    at ");
    expect(report(error, { json: false }, { ACCELC_DEBUG: "1" }).stderr).toContain("    at ");
    expect(report("a string").stderr).toContain("internal error in the command line: a string\n");
  });

  it("writes defects as JSON too", () => {
    const { status, stderr } = report(new CompilerBug("tile", "no tile"), { json: true });
    expect(status).toBe(70);
    expect(JSON.parse(stderr)).toMatchObject({ code: "defect", stage: "tile", message: "tile: no tile" });
  });

  it("takes coded errors of other packages for the user's", () => {
    const coded = Object.assign(new Error("EM1001: damaged"), { code: "EM1001", hint: "again" });
    expect(report(coded)).toEqual({ status: 1, stderr: "EM1001: damaged\n  help: again\n" });
  });
});

describe("progress", () => {
  const watch = (isTTY: boolean, quiet: boolean, times: readonly number[]): string => {
    let [text, at] = ["", 0];
    const sink = {
      isTTY,
      write(s: string | Uint8Array) {
        text += s;
      },
    };
    const progress = progressOn({ stdout: sink, stderr: sink, cwd: "/", env: {} }, quiet, () => times[at++]!);
    for (let i = 1; i < times.length; i++) progress.step("calibrate", i / 4);
    progress.clear();
    return text;
  };

  it("appears on a terminal after a second, at most ten times a second, and is removed", () => {
    expect(watch(true, false, [0, 900, 1001, 1050, 2400])).toBe(
      "\r\x1b[Kcalibrate 50 %  1 s\r\x1b[Kcalibrate 100 %  2 s\r\x1b[K",
    );
  });

  it("is silent when piped, on request, and for short work", () => {
    expect(watch(false, false, [0, 2000, 3000])).toBe("");
    expect(watch(true, true, [0, 2000, 3000])).toBe("");
    expect(watch(true, false, [0, 500, 900])).toBe("");
  });
});
