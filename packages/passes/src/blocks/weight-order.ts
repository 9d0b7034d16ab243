/** Right operands of products of two activations in the order in which the array fetches blocks of weights [k][m]. */
import {
  asLanes,
  type Data,
  LINEAR,
  type Loc,
  laneLayout,
  rowSteps,
  sameLayout,
  sameShape,
  type TensorId,
  type ValueId,
} from "@accelc/ir";
import { packed } from "./images.js";
import type { AxisMap } from "./movement.js";
import type { OperandForm } from "./operands.js";
import { inWeightOrder } from "./orders.js";
import type { TensorTable } from "./tensors.js";
import { weightCell } from "./weights.js";

/** A right operand in weight order: elements from one index of each leading axis, and from one block of columns, to the next. */
export interface WeightTensor {
  readonly tensor: TensorId;
  readonly batch: readonly number[];
  readonly columns: number;
}

/**
 * The right operand of a product of two activations, [.., K, N], in weight order: where it is stored so, as it lies, else
 * copied to [.., N block, K, lanes]. Rows up to a whole block of K are zeros, so that a block of the weight buffer is
 * contiguous. For packed operands these are their codes ahead of packing, neighbours along K side by side.
 */
export function weightForm(table: TensorTable, value: ValueId, loc: Loc, form: OperandForm): WeightTensor {
  const { data } = table.graph.values.get(value)!;
  const direct = data || form.factor > 1 ? undefined : inOrder(table, value, loc, form);
  if (direct) return direct;
  const tensor = table.once(`${value} weights ${form.factor}`, () => weightCopy(table, value, loc, form));
  const { shape, layout } = table.get(tensor);
  const steps = rowSteps(shape, layout, table.lanes);
  return { tensor, batch: steps.slice(0, -2), columns: steps.at(-2)! };
}

function inOrder(table: TensorTable, value: ValueId, loc: Loc, form: OperandForm): WeightTensor | undefined {
  const found = table.tensorsOf(value).find((id) => inWeightOrder(table.storedAs(id), form.block, table.lanes));
  if (found === undefined) return undefined;
  const t = table.get(found);
  const { shape } = t;
  const lane = shape.length - 1;
  const layout = asLanes(t, lane, 1, table.lanes)!;
  const tensor = sameLayout(layout, t.layout) ? t.id : table.add(value, shape, layout, t.bits, t);
  if (shape.at(-2)! % form.block !== 0) table.once(`${tensor} spare`, () => zeroSpare(table, tensor, loc));
  const steps = rowSteps(shape, layout, table.lanes);
  return { tensor, batch: steps.slice(0, -2), columns: steps.at(-1)! };
}

/** Writes zeros into the spare rows behind those of the reduced axis, wherever else the tensor reaches. */
function zeroSpare(table: TensorTable, id: TensorId, loc: Loc): TensorId {
  const { value, shape, layout, bits, storage } = table.get(id);
  const { lanes } = table;
  const { valid, room } = table.spaces[storage]!.spare!;
  const steps = rowSteps(shape, layout, lanes);
  const others = shape.flatMap((n, axis) => {
    const extent = axis === shape.length - 1 ? Math.ceil(n / lanes) : n;
    return axis === shape.length - 2 || extent === 1 ? [] : [{ extent, src: 0, dst: steps[axis]! }];
  });
  const loops = [...others, { extent: (room - valid) * lanes, src: 0, dst: 1 }];
  const dst = { tensor: id, offset: valid * lanes };
  table.emit({ kind: "copy", name: `${value} spare`, locs: [loc], results: [], bits, src: null, dst, loops, fill: 0 });
  return id;
}

function weightCopy(table: TensorTable, value: ValueId, loc: Loc, form: OperandForm): TensorId {
  const v = table.graph.values.get(value)!;
  if (v.data) return constantWeights(table, value, v.type.shape, v.data, form);
  const from = table.get(table.main(value));
  const { shape } = v.type;
  const [k, n] = shape.slice(-2) as [number, number];
  const batch = shape.slice(0, -2);
  const padded = Math.ceil(k / form.block) * form.block;
  const inner = form.factor > 1 ? { inner: { axis: batch.length + 1, extent: form.factor } } : {};
  const id = table.add(value, [...batch, n, padded], { ...laneLayout(batch.length), ...inner }, from.bits);
  const whole = (size: number, from: number, start = 0): AxisMap => ({
    from,
    start,
    indices: Int32Array.from({ length: size }, (_, i) => i),
  });
  const lead = batch.map((size, i) => whole(size, i));
  const rank = shape.length;
  const source = sameShape(from.shape, shape) ? from : table.get(table.read(value, LINEAR, loc));
  table.copy(source, table.get(id), [...lead, whole(n, rank - 1), whole(k, rank - 2)], 0, loc, false);
  if (padded > k)
    table.copy(null, table.get(id), [...lead, whole(n, rank - 1), whole(padded - k, rank - 2, k)], 0, loc, false);
  return id;
}

/** The same order for a constant, written out at compile time. */
function constantWeights(
  table: TensorTable,
  value: ValueId,
  shape: readonly number[],
  data: Data,
  form: OperandForm,
): TensorId {
  const { lanes } = table;
  const [k, n] = shape.slice(-2) as [number, number];
  const batch = shape.slice(0, -2);
  const padded = Math.ceil(k / form.block) * form.block;
  const wide = Math.ceil(n / lanes) * lanes;
  const image = new (form.bits === 16 ? Int16Array : Int8Array)((data.length / (k * n)) * padded * wide);
  for (let i = 0; i < data.length; i++) {
    const [plane, row, column] = [Math.floor(i / (k * n)), Math.floor(i / n) % k, i % n];
    const block = (plane * wide + Math.floor(column / lanes) * lanes) * padded;
    image[block + weightCell(row, column % lanes, lanes, form)] = Number(data[i]!);
  }
  const bytes = packed(image, form.bits);
  const place = { storage: table.space(bytes.length, bytes), offset: 0 };
  return table.add(value, [...batch, n, padded], laneLayout(batch.length), form.bits, place);
}
