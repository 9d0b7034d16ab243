/**
 * In which orders of rows a value is stored: those in which its readers, through movement that moves nothing, find what they
 * would else copy.
 */
import {
  asLanes,
  elements,
  type Graph,
  innermost,
  type Layout,
  laneLayout,
  type Node,
  physicalElements,
  rowSteps,
  type ValueId,
  type View,
} from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import { viewsThrough } from "./movement.js";
import { operandForm } from "./operands.js";

/** Of every `room` rows of a storage the first `valid` hold elements. */
export interface Spare {
  readonly valid: number;
  readonly room: number;
}

export interface Stored extends View {
  readonly spare?: Spare;
}

/** A layout to store a value in, and the elements that takes. */
export interface Order {
  readonly layout: Layout;
  readonly elements: number;
  readonly spare?: Spare;
}

/**
 * Whether the array can fetch blocks of weights [k][m] from a right operand [.., K, N] as it lies: lanes along N, rows of K
 * one behind the other, and up to a whole block rows that may be zeroed.
 */
export function inWeightOrder(v: Stored, block: number, lanes: number): boolean {
  const { shape, spare } = v;
  const rank = shape.length;
  const layout = asLanes(v, rank - 1, 1, lanes);
  const k = shape[rank - 2]!;
  if (!layout || (k > 1 && rowSteps(shape, layout, lanes)[rank - 2] !== lanes)) return false;
  if (k % block === 0) return true;
  const room = Math.ceil(k / block) * block;
  return spare?.valid === k && spare.room === room && v.offset % (room * lanes) === 0;
}

/** Orders of a value of `shape` with axis `lane` in lanes: as it stands, then with each other axis innermost. */
export function* rowOrders(shape: readonly number[], lane: number, lanes: number): Generator<Order> {
  const plain = laneLayout(lane);
  yield { layout: plain, elements: physicalElements(shape, plain, lanes) };
  for (const [axis, valid] of shape.entries()) {
    if (axis === lane || valid === 1) continue;
    yield innermost(shape, lane, axis, valid, lanes);
    const room = Math.ceil(valid / lanes) * lanes;
    if (room > valid) yield { ...innermost(shape, lane, axis, room, lanes), spare: { valid, room } };
  }
}

export class Readers {
  constructor(
    private readonly graph: Graph,
    private readonly machine: MachineDescription,
    private readonly consumers: ReadonlyMap<ValueId, readonly Node[]>,
  ) {}

  private get lanes(): number {
    return this.machine.tandem.lanes;
  }

  private shape(value: ValueId): readonly number[] {
    return this.graph.values.get(value)!.type.shape;
  }

  /**
   * Elements that are copied before everyone who wants to has read `value`, which lies in `ways`. Packs count for nothing:
   * most are carried out where their operand is computed.
   */
  copied(value: ValueId, ways: readonly Stored[]): number {
    const whole = elements(this.shape(value));
    const has = (lane: number) => ways.some((w) => asLanes(w, lane, 1, this.lanes) !== undefined);
    const last = this.shape(value).length - 1;
    return (this.consumers.get(value) ?? []).reduce((sum, n) => {
      const [out] = n.outputs as [ValueId];
      if (n.op === "transpose" || n.op === "slice" || n.op === "reshape") {
        const seen = ways.flatMap((w) => viewsThrough(n, w, this.shape(out), this.lanes).slice(0, 1));
        return sum + (seen.length > 0 ? this.copied(out, seen) : elements(this.shape(out)));
      }
      if (n.op === "conv" && n.inputs[0] === value) return sum + (has(1) ? 0 : whole);
      if (n.op === "iwindow") return sum + (has(1) ? 0 : whole);
      if (n.op !== "matmul") return sum;
      const left = n.inputs[0] === value && !has(last) ? whole : 0;
      return sum + left + (n.inputs[1] === value && !this.asWeights(n, ways) ? whole : 0);
    }, 0);
  }

  private asWeights(n: Node, ways: readonly Stored[]): boolean {
    const { dtype } = this.graph.values.get(n.inputs[0]!)!.type;
    const { block, factor } = operandForm(dtype, this.machine, n.loc);
    return factor === 1 && ways.some((w) => inWeightOrder(w, block, this.lanes));
  }

  /** `value` seen in these ways, the one with the fewest elements to copy first. */
  rank(value: ValueId, ways: readonly Stored[]): readonly Stored[] {
    if (ways.length < 2) return ways;
    const cost = new Map(ways.map((w) => [w, this.copied(value, [w])]));
    return [...ways].sort((a, b) => cost.get(a)! - cost.get(b)!);
  }

  /**
   * The first of `orders` for which the fewest elements are copied; and where some still are, a second one, if that saves
   * more. Orders are made one by one, until nothing is copied.
   */
  choose<O extends Order>(value: ValueId, orders: Iterable<O>, most: number): readonly O[] {
    const way = (o: Order): Stored => ({ ...o, shape: this.shape(value), offset: 0 });
    const tried: O[] = [];
    let chosen: readonly O[] = [];
    let cost = Number.POSITIVE_INFINITY;
    for (const o of orders) {
      tried.push(o);
      const own = this.copied(value, [way(o)]);
      if (own < cost) [chosen, cost] = [[o], own];
      if (cost === 0) return chosen;
    }
    const [first] = chosen;
    if (most < 2 || !first) return chosen;
    for (const o of tried) {
      const both = this.copied(value, [way(first), way(o)]);
      if (both < cost) [chosen, cost] = [[first, o], both];
    }
    return chosen;
  }
}
