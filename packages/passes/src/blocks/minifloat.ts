/** What the array has to know of minifloat products beside their types, and what it cannot sum in the graph's order. */
import { fail, type GemmNode, type Graph, isMinifloat, type MinifloatSum, type NodeOf } from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import type { OperandForm } from "./operands.js";
import { groupShape } from "./weights.js";

/** FORMAT holds the logarithm of a chunk in five bits. */
const MOST_CHUNK = 2 ** 31;

const isPower = (n: number): boolean => n > 0 && 2 ** Math.round(Math.log2(n)) === n;

/**
 * Exponent biases and chunks of the sums of `n`; null for integers. CG1002 where the machine adds in another order than the
 * graph says.
 */
export function minifloatSum(
  g: Graph,
  n: GemmNode,
  form: OperandForm,
  machine: MachineDescription,
): MinifloatSum | null {
  if (!isMinifloat(form.type)) return null;
  const refuse = (reason: string, hint: string): never => fail("CG1002", n.loc, { op: n.loc.op, reason }, hint);
  const { pass, chunk } = n.attrs as { readonly pass: number; readonly chunk: number };
  if (machine.ties !== "even")
    refuse(`minifloat sums round ties to even, those of machine ${machine.name} up`, "choose a machine with ties even");
  if (pass !== form.perPass)
    refuse(
      `a sum in passes of ${pass}; a pass of machine ${machine.name} has ${form.perPass} ${form.type} elements`,
      "quantize for this machine",
    );
  if (!isPower(chunk) || chunk > MOST_CHUNK)
    refuse(`chunks of ${chunk} products are no power of two up to 2^31`, "choose a power of two");
  if (n.op === "conv" && n.attrs.groups > 1) checkGroups(g, n, form, machine, refuse);
  if (n.op === "conv" && form.bits > 8 && (n.attrs.fill & 255) !== n.attrs.fill >> 8)
    refuse(`padding with code ${n.attrs.fill}, whose bytes differ`, "pad by a node of its own");
  const bias = (input: number) => g.values.get(n.inputs[input]!)!.type.exponentBias ?? 0;
  return { biases: [bias(0), bias(1)], chunk };
}

/** Groups joined here would add their zeros to the order of the sum. */
function checkGroups(
  g: Graph,
  n: NodeOf<"conv">,
  form: OperandForm,
  machine: MachineDescription,
  refuse: (reason: string, hint: string) => never,
): void {
  const w = g.values.get(n.inputs[1]!)!.type.shape;
  const [icg, ocg] = [w[1]!, w[0]! / n.attrs.groups];
  const { lanes } = machine.tandem;
  const { groups } = groupShape(n.attrs.groups, icg, ocg, lanes, form.block);
  if (groups !== n.attrs.groups)
    refuse(
      `${n.attrs.groups} groups of ${icg} to ${ocg} channels do not fill whole blocks of ${form.block} and ${lanes}`,
      "join groups, with zeros between them, before quantization to minifloats",
    );
}
