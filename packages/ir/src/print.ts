import type { Graph } from "./graph.js";
import type { CodeGrid, Data, TensorType, Value } from "./types.js";

/** FNV-1a over the stored bytes: names a constant's contents in printed text. */
export function contentHash(data: Data): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  let h = 0x811c9dc5;
  for (const b of bytes) h = Math.imul(h ^ b, 0x01000193);
  return (h >>> 0).toString(16).padStart(8, "0");
}

const number = (x: number): string => (Number.isInteger(x) ? String(x) : x.toPrecision(7));

export function printType(t: TensorType): string {
  const bias = t.exponentBias === undefined ? "" : ` bias ${t.exponentBias}`;
  const base = `${t.dtype}${bias}[${t.shape.join(",")}]`;
  if (!t.quant) return base;
  const { scale, zeroPoint, axis, codes } = t.quant;
  const s = scale.length === 1 ? number(scale[0]!) : `${number(scale[0]!)}…x${scale.length}@${axis}`;
  return `${base}{scale ${s}, zero ${zeroPoint}${codes ? `, codes ${codes[0]}..${codes[1]}` : ""}}`;
}

const SMALL = 8;

function printConstant(v: Value): string {
  const data = v.data!;
  const text =
    data.length <= SMALL
      ? `[${Array.from(data as ArrayLike<number | bigint>, (x) => (typeof x === "bigint" ? `${x}` : number(x))).join(", ")}]`
      : `#${contentHash(data)}`;
  const grid = v.grid ? ` {${printGrid(v.grid)}}` : "";
  return `  const %${v.id} : ${printType(v.type)}${grid} = ${text}`;
}

/** Numbers of a grid: all of a few, else the first and their count. */
const numbers = (xs: readonly number[]): string =>
  xs.length === 1 ? number(xs[0]!) : xs.length <= SMALL ? `[${xs.map(number)}]` : `${number(xs[0]!)}…x${xs.length}`;

const printGrid = (g: CodeGrid): string =>
  `scale ${numbers(g.scale)}${g.scale.length > 1 ? ` of [${g.shape.join(",")}]` : ""}, zero ${numbers(g.zero)}, codes ${g.codes[0]}..${g.codes[1]}`;

const attribute = (x: unknown): string => (Array.isArray(x) ? `[${x.join(",")}]` : String(x));

/** One line per constant and node, in graph order; the text is a function of the graph alone. */
export function printGraph(g: Graph): string {
  const lines: string[] = [];
  const port = (id: string) => `%${id}: ${printType(g.values.get(id)!.type)}`;
  lines.push(`graph ${JSON.stringify(g.name)}(${g.inputs.map((p) => port(p.value)).join(", ")}) {`);
  const shown = new Set<string>();
  const showConstant = (id: string) => {
    const v = g.values.get(id);
    if (v?.data && !shown.has(id)) {
      shown.add(id);
      lines.push(printConstant(v));
    }
  };
  for (const n of g.nodes) {
    for (const i of n.inputs) showConstant(i);
    const attrs =
      n.op === "fakeQuant"
        ? `${printGrid(n.attrs)}, rounding=${n.attrs.rounding}`
        : Object.entries(n.attrs)
            .map(([k, v]) => `${k}=${attribute(v)}`)
            .join(", ");
    const outs = n.outputs.map((o) => `%${o}`).join(", ");
    const types = n.outputs.map((o) => printType(g.values.get(o)!.type)).join(", ");
    lines.push(
      `  ${outs} = ${n.op}(${n.inputs.map((i) => `%${i}`).join(", ")})${attrs ? ` {${attrs}}` : ""} : ${types}  loc ${JSON.stringify(n.loc.node)}`,
    );
  }
  for (const o of g.outputs) showConstant(o.value);
  lines.push(`  return ${g.outputs.map((o) => `%${o.value} as ${JSON.stringify(o.name)}`).join(", ")}`);
  lines.push("}");
  return `${lines.join("\n")}\n`;
}
