import { contentHash, type Data, type GraphBuilder, type TensorType, type ValueId } from "@accelc/ir";
import { saturate32 } from "@accelc/numerics";
import { compact, map, type Real } from "./real.js";

function equal(a: Data, b: Data): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const SAMPLED = 4096;

/** A hash of the contents; of large ones, of numbers from all over them. */
function digest(data: Data): string {
  if (data.length <= SAMPLED) return contentHash(data);
  const step = data.length / SAMPLED;
  return contentHash(Float64Array.from({ length: SAMPLED }, (_, i) => Number(data[Math.floor(i * step)]!)));
}

/** Adds each distinct constant once, named after its first use. */
export class Constants {
  private readonly seen = new Map<string, { id: ValueId; data: Data }[]>();
  constructor(private readonly builder: GraphBuilder) {}

  add(type: TensorType, data: Data, id: string): ValueId {
    const { dtype, shape, quant, exponentBias } = type;
    const key = `${dtype}[${shape}]${JSON.stringify(quant ?? exponentBias ?? null)}${digest(data)}`;
    const bucket = this.seen.get(key) ?? [];
    const known = bucket.find((c) => equal(c.data, data));
    if (known) return known.id;
    const added = this.builder.constant(type, data, { id });
    this.seen.set(key, [...bucket, { id: added, data }]);
    return added;
  }

  /** An int32 constant; a single number where all elements agree. The elements are integers already. */
  int32(values: Real, id: string): ValueId {
    const { shape, data } = compact(map(values, saturate32));
    return this.add({ dtype: "int32", shape }, Int32Array.from(data), id);
  }

  scalar(value: number, id: string): ValueId {
    return this.add({ dtype: "int32", shape: [] }, Int32Array.of(value), id);
  }
}
