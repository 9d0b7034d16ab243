import type { Access, Block, BlockProgram, ComputeBlock, CopyBlock, LookupBlock, Source, TileOp } from "./blocks.js";
import { printLayout } from "./layout.js";

/** One paragraph per block, in execution order: dimensions and tiles, the GEMM, buffers, transfers, operations. */
export function printBlocks(p: BlockProgram): string {
  const lines = [`program lanes=${p.lanes}`];
  for (const t of p.tensors) {
    const s = p.storages.find((x) => x.id === t.storage)!;
    const at = t.offset ? `+${t.offset}` : "";
    const where = `0x${s.address.toString(16)}+${s.bytes}${s.data ? " const" : ""} live ${s.live[0]}..${s.live[1]}`;
    lines.push(`  t${t.id} = %${t.value} : i${t.bits}[${t.shape.join(",")}] ${printLayout(t.layout)}${at} @ ${where}`);
  }
  for (const b of p.blocks) lines.push(...printBlock(b));
  const ports = (x: BlockProgram["inputs"]) => x.map((i) => `${JSON.stringify(i.name)}=t${i.tensor}`).join(", ");
  lines.push(`inputs ${ports(p.inputs)}`, `outputs ${ports(p.outputs)}`);
  return `${lines.join("\n")}\n`;
}

function printBlock(b: Block): string[] {
  const head = `block ${b.id} ${b.kind} %${b.name}  nodes ${b.locs.map((l) => JSON.stringify(l.node)).join(", ")}`;
  const body = b.kind === "compute" ? computeLines(b) : [b.kind === "copy" ? copyLine(b) : lookupLine(b)];
  return [head, ...body.map((l) => `  ${l}`)];
}

const copyLine = (b: CopyBlock): string => {
  const from = b.src ? `t${b.src.tensor}+${b.src.offset}` : `fill ${b.fill}`;
  const loops = b.loops.map((l) => `${l.extent}(${l.src},${l.dst})`).join(" ");
  return `i${b.bits} ${from} -> t${b.dst.tensor}+${b.dst.offset} loops ${loops || "none"}`;
};

const lookupLine = (b: LookupBlock): string =>
  `i${b.bits} t${b.table}[t${b.indices}] -> t${b.dst}: ${b.count} of ${b.tableRows} rows of ${b.rowElements}`;

const access = (a: Access): string =>
  `t${a.tensor}${a.offset ? `${a.offset > 0 ? "+" : ""}${a.offset}` : ""}(${a.strides.join(",")})`;

function computeLines(b: ComputeBlock): string[] {
  const dims = b.dims.map((d) => {
    const before =
      d.before.extent === d.extent && d.before.tile === d.tile ? "" : ` before ${d.before.extent}/${d.before.tile}`;
    return `${d.name} ${d.extent}/${d.tile}x${d.count}${before}`;
  });
  const lines = [`dims ${dims.join(", ")}; order ${b.order.map((i) => b.dims[i]!.name).join(" ")}`];
  if (b.gemm) {
    const g = b.gemm;
    const bias = g.bias === null ? "none" : `t${g.bias}`;
    const { input, weights, sum } = g.operands;
    const order = sum ? `biases ${sum.biases} chunks of ${sum.chunk} ` : "";
    const operands = input === "int8" ? "" : `${input} x ${weights} ${order}`;
    lines.push(
      `gemm ${operands}input ${access(g.input)} fill ${g.fill} lead ${g.lead.join(",")} weights ${access(g.weights)} bias ${bias}`,
      `  ic ${g.ic.extent}/${g.ic.tile}x${g.ic.count} kh ${g.kh.extent}/${g.kh.tile}x${g.kh.count} kw ${g.kw.count > 1 ? `${g.kw.extent}/${g.kw.tile}x${g.kw.count}` : g.kw.extent} strides ${g.strides.join(",")} dilations ${g.dilations.join(",")}`,
    );
    if (g.resident) {
      const { row, rows, steps } = g.resident;
      lines.push(`  input in IBUF[${row}+${rows}] steps ${Object.values(steps).join(",")}`);
    }
    if (g.pack) lines.push(`  pack ${g.pack.taps.join("x")} runs of ${g.pack.run} in ${g.pack.rows} rows`);
  }
  const { buffers, loads, ops, stores, windows, next } = b.vector;
  for (const w of windows) lines.push(`window ${w.namespace} rows ${w.base}+${w.rows}`);
  for (const x of buffers) {
    const along = x.turn === undefined ? "" : ` along ${b.dims[x.turn]!.name}`;
    const form = x.form === "rows" ? "" : ` ${x.form}${along}`;
    lines.push(`b${x.id} ${x.namespace}[${x.row}+${x.rows}]${x.once ? " once" : ""}${form}  %${x.label}`);
  }
  for (const l of loads) lines.push(`load b${l.buffer} <- ${access(l.access)}${l.fill ? ` fill ${l.fill}` : ""}`);
  for (const o of ops) lines.push(opLine(o));
  if (next)
    lines.push(
      `next input t${next.tensor} IBUF[${next.row}..] = b${next.buffer}(${next.strides.join(",")}) fill ${next.fill}`,
    );
  for (const s of stores) {
    const lanes = s.laneStride === undefined ? "" : ` lanes ${s.laneStride}`;
    lines.push(`store b${s.buffer} -> ${access(s.access)}${lanes}`);
  }
  return lines;
}

const source = (s: Source): string => ("buffer" in s ? `b${s.buffer}` : String(s.immediate));

function opLine(o: TileOp): string {
  const attrs = Object.entries(o.attrs).map(([k, v]) => `${k}=${v}`);
  if (o.window) attrs.push(`kernel=[${o.window.kernel.join(",")}]`, `strides=[${o.window.strides.join(",")}]`);
  return `b${o.dst} = ${o.op}(${o.sources.map(source).join(", ")})${attrs.length > 0 ? ` {${attrs.join(", ")}}` : ""} ${o.stage}`;
}
