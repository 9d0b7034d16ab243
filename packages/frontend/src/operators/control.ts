import type { ValueId } from "@accelc/ir";
import { graph } from "../attributes.js";
import type { NodeContext } from "../context.js";
import type { GraphProto } from "../proto.js";
import { concat, reshape } from "./build.js";
import { MANY, type OperatorRow, row } from "./row.js";

/** Iterations that are written out at most. */
const MOST_TRIPS = 4096;

/** The bool in a value of one element, which must be constant. */
function decided(n: NodeContext, id: ValueId, what: string): boolean {
  const { data } = n.value(id);
  if (!data) n.noValue(`${what} depends on values known only at run time`);
  if (data!.length !== 1) n.noValue(`${what} holds ${data!.length} elements`);
  return Number(data![0]) !== 0;
}

function branch(n: NodeContext, thenBranch: GraphProto, elseBranch: GraphProto): void {
  const chosen = decided(n, n.input(0), `its condition ${n.inputName(0)}`) ? thenBranch : elseBranch;
  const outputs = n.inline(chosen, []);
  if (outputs.length !== n.outputCount)
    n.disagree(`the branch has ${outputs.length} outputs, the node ${n.outputCount}`);
  outputs.forEach((id, i) => {
    n.finish(id, i);
  });
}

/** Iterations one after the other; what each adds to a scan output is stacked. */
function loop(n: NodeContext, body: GraphProto): void {
  const trips = n.has(0) ? n.scalarInput(0) : Number.POSITIVE_INFINITY;
  let goes = n.has(1) ? decided(n, n.input(1), `its condition ${n.inputName(1)}`) : true;
  let carried = Array.from({ length: n.inputCount - 2 }, (_, i) => n.input(i + 2));
  const scans: ValueId[][] = Array.from({ length: n.outputCount - carried.length }, () => []);
  for (let trip = 0; goes && trip < trips; trip++) {
    if (trip === MOST_TRIPS) n.noValue(`it takes more than ${MOST_TRIPS} iterations`);
    const outputs = n.inline(body, [n.scalar(trip, "int64"), n.scalar(1, "bool"), ...carried]);
    if (outputs.length !== 1 + carried.length + scans.length)
      n.disagree(`the body has ${outputs.length} outputs; the node needs ${1 + carried.length + scans.length}`);
    goes = decided(n, outputs[0]!, `the condition after iteration ${trip}`);
    carried = outputs.slice(1, 1 + carried.length);
    outputs.slice(1 + carried.length).forEach((id, i) => {
      scans[i]!.push(reshape(n, id, [1, ...n.shape(id)]));
    });
  }
  carried.forEach((id, i) => {
    n.finish(id, i);
  });
  scans.forEach((list, i) => {
    const output = carried.length + i;
    if (list.length > 0) n.finish(concat(n, list, 0), output);
    else n.refuseOutput(output, "without iterations its shape is unknown");
  });
}

export const CONTROL: readonly OperatorRow[] = [
  row({
    op: "If",
    since: 1,
    unit: "folded",
    constraints: "condition constant",
    inputs: 1,
    outputs: [1, MANY],
    attributes: { then_branch: graph, else_branch: graph },
    parse: (n, a) => branch(n, a.then_branch, a.else_branch),
  }),
  row({
    op: "Loop",
    since: 1,
    unit: "folded",
    constraints: `trip count and conditions constant, at most ${MOST_TRIPS} iterations`,
    inputs: [2, MANY],
    outputs: [1, MANY],
    attributes: { body: graph },
    parse: (n, a) => loop(n, a.body),
  }),
];
