import { emitProgram, emitText } from "@accelc/codegen";
import { loadObject, simulateText } from "@accelc/emulator";
import type { Graph } from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import { type Plan, planBlocks, type SampleTensor } from "@accelc/passes";

type Tensors = ReadonlyMap<string, SampleTensor>;

/** Samples with what the float model gives for them. */
export interface Reference {
  readonly inputs: Readonly<Record<string, SampleTensor>>;
  readonly outputs: Tensors;
}

/** What an integer graph makes of the samples. */
export interface Measured {
  /** Estimated cycles of one sample. */
  readonly cycles: number;
  /** Energy of the difference to the float outputs over that of these. */
  readonly noise: number;
  /** Samples whose class is not the float model's; undefined where the output holds no classes. */
  readonly wrong?: number;
}

/** Are the outputs scores of classes: one float tensor [1, C] with more than one class? */
export function hasClasses(g: Graph): boolean {
  const [out, ...more] = g.outputs;
  if (out === undefined || more.length > 0) return false;
  const { shape } = g.values.get(out.value)!.type;
  return shape.length === 2 && shape[0] === 1 && shape[1]! > 1;
}

const greatest = (x: ArrayLike<number>): number => {
  let at = 0;
  for (let i = 1; i < x.length; i++) if (x[i]! > x[at]!) at = i;
  return at;
};

/** A graph's blocks by lower bounds alone, and the cycles of one sample. */
export function estimate(graph: Graph, machine: MachineDescription): { readonly plan: Plan; readonly cycles: number } {
  const plan = planBlocks(graph, machine);
  const constants = { from: plan.rodataAddress, to: plan.rodataAddress + plan.rodata.length };
  return { plan, cycles: simulateText(emitText(plan.program, machine), machine, constants).cycles };
}

/** Compiles the graph, runs the samples and compares. */
export function measure(
  graph: Graph,
  machine: MachineDescription,
  samples: readonly Reference[],
  classes: boolean,
  { plan, cycles } = estimate(graph, machine),
): Measured {
  const session = loadObject(emitProgram(plan.program, plan, graph, machine), machine).session();
  let [signal, error, wrong] = [0, 0, 0];
  for (const { inputs, outputs } of samples) {
    const got = session.run(inputs as never).outputs;
    for (const { name } of graph.outputs) {
      const want = outputs.get(name)!.data as Float32Array;
      const have = got[name]!.data as Float32Array;
      for (let i = 0; i < want.length; i++) {
        const [x, y] = [Number(want[i]!), Number(have[i]!)];
        if (!Number.isFinite(x)) continue;
        signal += x * x;
        error += (x - y) ** 2;
      }
      if (classes && greatest(want) !== greatest(have)) wrong++;
    }
  }
  const noise = signal > 0 ? error / signal : error;
  return { cycles, noise, ...(classes ? { wrong } : {}) };
}
