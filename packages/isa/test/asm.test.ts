import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AsmDiagnostic,
  AsmError,
  assemble,
  assembleObject,
  decode,
  disassembleObject,
  encode,
  formatInst,
  formatObject,
  formatWord,
  parseInst,
  parseObject,
  writeElf,
} from "../src/index.js";
import { anyInst } from "./arbitrary.js";
import { objectArb, SMALL } from "./objects.js";

const SEED = 90125;

function errorsOf(text: string): readonly AsmDiagnostic[] {
  try {
    parseObject(text);
    return [];
  } catch (e) {
    if (e instanceof AsmError) return e.diagnostics;
    throw e;
  }
}

describe("text of an instruction", () => {
  it.each([
    [0x00414060, "add dst=vmem1[1], src1=vmem1[0], src2=vmem2[0]"],
    [0xa00000b4, "sync_start unit=systolic, buf=exec, group=0, count=180"],
    [0xae000000, "sync_end unit=simd, buf=buf, group=0"],
    [0xb0000001, "block_end last=1"],
    [0xc3870001, "sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=7, imm=1"],
    [0x98030006, "sa_reduction loop=3, kind=outer_kh"],
    [0x6400fffe, "iter_stride_signext ns=obuf, ix=0, imm=-2"],
    [0x0f000000, "nop"],
    [0x0f000001, ".word 0x0f000001"],
    [0x83604001, "perm_start dst_ns=vmem2, src1_ns=vmem1, shuffle=1"],
  ])("%i", (word, text) => {
    expect(formatWord(word)).toBe(text);
    expect(assemble(text)).toEqual(Uint32Array.of(word));
  });

  it(`parse(format(x)) is x (seed ${SEED})`, () => {
    fc.assert(
      fc.property(anyInst, (inst) => {
        expect(parseInst(formatInst(inst))).toEqual({ ...inst });
      }),
      { seed: SEED, numRuns: 3000 },
    );
  });

  it("accepts numbers for names, hexadecimal, other order and spacing", () => {
    const want = encode(parseInst("add dst=vmem1[1], src1=vmem1[0], src2=vmem2[0]"));
    expect(assemble(" add src2 = 3 [0x0],dst_ix=1,  dst_ns=2, src1=vmem1[0] ; sum")).toEqual(Uint32Array.of(want));
  });
});

describe("text of an object", () => {
  it(`assembles to the same bytes (seed ${SEED})`, () => {
    fc.assert(
      fc.property(objectArb, (o) => {
        const bytes = writeElf(o);
        expect(assembleObject(disassembleObject(bytes))).toEqual(bytes);
      }),
      { seed: SEED, numRuns: 200 },
    );
  });

  it("every word decodes or stands as .word", () => {
    const words = Uint32Array.from({ length: 4096 }, (_, i) => Math.imul(i, 0x9e3779b1));
    const text = Array.from(words, formatWord).join("\n");
    expect(assemble(text)).toEqual(words);
    for (const line of text.split("\n")) {
      if (line.startsWith(".word")) expect(decode(Number(line.slice(6)))).toBeUndefined();
    }
  });

  it("says when another tool has rearranged the file", () => {
    const bytes = writeElf(SMALL);
    const longer = new Uint8Array(bytes.length + 8);
    longer.set(bytes);
    const text = disassembleObject(longer);
    expect(text).toMatch(/^; this file was rearranged/);
    expect(assembleObject(text)).toEqual(bytes);
  });

  it("shows nodes, labels and tables", () => {
    expect(formatObject(SMALL)).toBe(`.format 1
.machine "tandem-4x4" 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
.rodata 0x1000
.base64 AQIDBAU=
.bss 0x2000 1048576
.input {"address":8192,"bits":8,"bytes":4,"elementType":"float32","layout":[{"axis":1,"div":1,"extent":2,"stride":1}],"name":"x","scale":0.1,"shape":[1,2],"zeroPoint":-3}
.model "m"
.node {"id":0,"name":"n","op":"Relu"}
.block {"id":0,"name":"block0","nodes":[0],"start":0,"unit":"tandem","words":3}
.range {"node":0,"start":1,"words":1}
.text
block0:
  sync_start unit=systolic, buf=exec, group=0, count=1
  ; word 1: node "n" (Relu)
  nop
  block_end last=1
`);
  });
});

describe("errors", () => {
  const machine = `.machine "m" ${"0".repeat(64)}`;

  it("all are collected, each with line and remedy", () => {
    const text = [
      machine,
      "ad dst=vmem1[0], src1=vmem1[0], src2=vmem2[0]",
      "set_iter loop=9, count=1",
      "set_iter loop=1",
      "set_iter loop=1, count=1, depth=3",
      "block_end last=1, last=1",
      "sa_ld buffer=vmem1, loop=1, bytes=1",
      "block_end last",
      ".wrod 0x0",
      ".word 0x100000000",
      ".word",
      "a:",
      "a:",
      ".end",
      ".end",
      ".base64 ???",
      ".input {}",
      ".node {",
      ".machine m",
      ".format 7",
      "iter_stride_signext ns=obuf, ix=0, imm=-32769",
    ].join("\n");
    const errors = errorsOf(text);
    expect(errors.map((e) => e.line)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 16, 17, 18, 19, 20, 21]);
    expect(errors.every((e) => e.hint !== "")).toBe(true);
    const at = (line: number) => errors.find((e) => e.line === line)!;
    expect(at(2).hint).toContain("add dst=ns[ix]");
    expect(at(3).message).toBe('set_iter: loop cannot be "9"');
    expect(at(3).hint).toContain("0..7");
    expect(at(4).message).toBe("set_iter lacks count");
    expect(at(7).hint).toContain("0 (wbuf)");
    expect(at(9).hint).toContain(".word");
    expect(at(17).message).toContain("io.inputs[0].name must be a string");
    expect(new AsmError(errors).message).toContain('line 3: set_iter: loop cannot be "9"');
  });

  it("things missing from the whole are reported at the end", () => {
    expect(errorsOf("nop\n")).toEqual([
      { line: 2, message: "there is no .machine", hint: 'add: .machine "name" <64 hex digits>' },
    ]);
    expect(errorsOf(`${machine}\n.range {"node":0,"start":0,"words":4}\nnop`)[0]!.line).toBe(3);
  });

  it("a text without an error has none", () => {
    expect(errorsOf(`${machine}\nnop`)).toEqual([]);
  });
});
