import { AccelcError, CompilerBug, diag, type Graph, GraphBuilder } from "@accelc/ir";
import { machinePreset } from "@accelc/machine";
import { describe, expect, it } from "vitest";
import { type Pass, runPasses } from "../src/index.js";

const ctx = { machine: machinePreset("tandem-32x32") };
const at = { model: "m.onnx", node: "n", op: "Relu" };

function relu(): Graph {
  const b = new GraphBuilder("g");
  const x = b.input({ name: "x", elementType: "float32" }, { dtype: "float32", shape: [2] });
  b.output({ name: "y", value: b.add("relu", [x], {}, at), elementType: "float32" });
  return b.finish();
}

const pass = (name: string, run: Pass["run"], level: Pass["level"] = "float"): Pass => ({ name, doc: "", level, run });

function errorOf(p: Pass): unknown {
  try {
    runPasses(relu(), [p], ctx);
  } catch (e) {
    return e;
  }
  return undefined;
}

describe("runPasses", () => {
  it("runs in order and reports every pass", () => {
    const seen: string[] = [];
    const g = relu();
    const passes = [pass("one", (x) => x), pass("two", (x) => ({ ...x, name: "renamed" }))];
    const out = runPasses(g, passes, ctx, { onPass: (name, graph, s) => seen.push(`${name} ${graph.name} ${s >= 0}`) });
    expect(out.name).toBe("renamed");
    expect(seen).toEqual(["one g true", "two renamed true"]);
  });

  it("blames the pass that breaks the graph", () => {
    const e = errorOf(pass("breaker", (g) => ({ ...g, nodes: [] })));
    expect(e).toBeInstanceOf(CompilerBug);
    expect((e as CompilerBug).stage).toBe("breaker");
    expect((e as CompilerBug).message).toMatch(/^breaker: output y names undefined/);
  });

  it("blames the pass that throws, and that builds what does not fit", () => {
    const thrown = errorOf(
      pass("thrower", () => {
        throw new Error("oops");
      }),
    );
    expect((thrown as CompilerBug).message).toBe("thrower: oops");
    const misfit = errorOf(
      pass("misfit", () => {
        throw new AccelcError([diag("FE2012", at, { reason: "shapes" }, "")]);
      }),
    );
    expect((misfit as CompilerBug).stage).toBe("misfit");
  });

  it("lets the user's own errors through", () => {
    const error = new AccelcError([diag("PA2001", at, { op: "Foo", reason: "because" }, "")]);
    expect(
      errorOf(
        pass("quantize", () => {
          throw error;
        }),
      ),
    ).toBe(error);
  });

  it("expects an integer graph from a quantizing pass", () => {
    expect((errorOf(pass("quantize", (g) => g, "quantize")) as CompilerBug).stage).toBe("quantize");
  });
});
