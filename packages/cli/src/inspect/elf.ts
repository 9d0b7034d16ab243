import { type AccelObject, readElf, type TensorPlace } from "@accelc/isa";
import { asElf } from "../program-file.js";
import { grouped, table } from "../text.js";

const place = (p: TensorPlace) => ({
  name: p.name,
  type: p.elementType,
  shape: p.shape,
  address: p.address,
  bytes: p.bytes,
  bits: p.bits,
  scale: p.scale,
  zeroPoint: p.zeroPoint,
  ...(p.raw ? { raw: true } : {}),
});

function describe(o: AccelObject, fileBytes: number) {
  return {
    kind: "elf",
    formatVersion: o.formatVersion,
    machine: { name: o.machineName, hash: o.machineHash },
    model: o.debug.model,
    instructions: o.text.length,
    bytes: { file: fileBytes, text: o.text.byteLength, rodata: o.rodata.length, bss: o.bssSize },
    addresses: { rodata: o.rodataAddress, bss: o.bssAddress },
    inputs: o.io.inputs.map(place),
    outputs: o.io.outputs.map(place),
    blocks: o.debug.blocks.map((b) => ({
      id: b.id,
      name: b.name,
      unit: b.unit,
      start: b.start,
      words: b.words,
      nodes: b.nodes.map((n) => o.debug.nodes.find((d) => d.id === n)?.name ?? String(n)),
    })),
  };
}

type Description = ReturnType<typeof describe>;

const hex = (n: number): string => `0x${n.toString(16).padStart(8, "0")}`;

const ports = (title: string, list: Description["inputs"]): string[][] =>
  list.map((p) => [
    title,
    p.name,
    `${p.type}[${p.shape.join(",")}]`,
    hex(p.address),
    `${p.bits} bit`,
    `scale ${p.scale}`,
    p.raw ? "binary32 words" : `zero ${p.zeroPoint}`,
  ]);

function show(d: Description): string {
  const head = [
    ["machine", `${d.machine.name} ${d.machine.hash}`],
    ["model", d.model || "(unnamed)"],
    ["format", String(d.formatVersion)],
    [".text", `${grouped(d.bytes.text)} bytes, ${grouped(d.instructions)} instructions`],
    [".rodata", `${grouped(d.bytes.rodata)} bytes at ${hex(d.addresses.rodata)}`],
    [".bss", `${grouped(d.bytes.bss)} bytes at ${hex(d.addresses.bss)}`],
  ];
  const blocks = d.blocks.map((b) => [String(b.id), b.name, b.unit, `${b.start}+${b.words}`, b.nodes.join(", ")]);
  return [
    table(head),
    table([...ports("input", d.inputs), ...ports("output", d.outputs)]),
    table([["block", "name", "unit", "words", "nodes"], ...blocks]),
  ].join("\n");
}

/** What an ELF file holds, as text or JSON. CL1006 where it is no program of this toolchain. */
export function inspectElf(file: string, bytes: Uint8Array, json: boolean): string {
  const d = describe(
    asElf(file, () => readElf(bytes)),
    bytes.length,
  );
  return json ? `${JSON.stringify(d, null, 2)}\n` : show(d);
}
