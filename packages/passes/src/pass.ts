import { AccelcError, CompilerBug, type Graph, type Level, verifyGraph } from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";

/** What a pass may know besides the graph. */
export interface PassContext {
  readonly machine: MachineDescription;
}

/** A pure function from graph to graph; `quantize` passes take a float graph and give an integer graph. */
export interface Pass {
  /** File, command line name and golden folder. */
  readonly name: string;
  /** One sentence. */
  readonly doc: string;
  readonly level: Level | "quantize";
  run(g: Graph, ctx: PassContext): Graph;
}

export interface PassHooks {
  /** Called with the verified result of each pass. */
  onPass?(name: string, graph: Graph, seconds: number): void;
}

/**
 * Runs the passes in order and verifies the graph after each. Throws AccelcError where a pass finds the user's model at
 * fault, and CompilerBug naming the pass for anything else that goes wrong in it.
 */
export function runPasses(g: Graph, passes: readonly Pass[], ctx: PassContext, hooks: PassHooks = {}): Graph {
  return passes.reduce((graph, pass) => {
    const start = performance.now();
    const next = runOne(graph, pass, ctx);
    verifyGraph(next, pass.level === "float" ? "float" : "integer", pass.name);
    hooks.onPass?.(pass.name, next, (performance.now() - start) / 1000);
    return next;
  }, g);
}

function runOne(g: Graph, pass: Pass, ctx: PassContext): Graph {
  try {
    return pass.run(g, ctx);
  } catch (e) {
    if (e instanceof CompilerBug) throw e;
    // The model's own shapes fit before the pass ran, so a frontend error here is the pass's.
    if (e instanceof AccelcError && !e.code.startsWith("FE")) throw e;
    const bug = new CompilerBug(pass.name, e instanceof Error ? e.message : String(e));
    bug.cause = e;
    throw bug;
  }
}
