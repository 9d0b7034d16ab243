import { FORMAT } from "@accelc/isa";
import { type MachineDescription, machinePreset } from "@accelc/machine";
import { DLFLOAT16, decode, encode, FP8_152, fmma, fp8, type Minifloat, roundTo, type Ties } from "@accelc/numerics";
import { describe, expect, it } from "vitest";
import { createSamples } from "../src/samples.js";
import { createMachine, type Machine } from "../src/state.js";
import { scan } from "../src/structure.js";
import {
  BSS,
  blocks,
  objectOf,
  RODATA,
  randoms,
  saBase,
  saLd,
  saLoop,
  saReduction,
  saSt,
  saStride,
  systolic,
  type Words,
} from "./build.js";

type Random = ReturnType<typeof randoms>;

const COUNT = Number(process.env.ACCELC_PROGRAMS ?? 400);
const FIRST = Number(process.env.ACCELC_SEED ?? 1);
const SIZE = 0x60000;
const AT = { weights: BSS, input: BSS + 0x20000, bias: BSS + 0x38000, result: BSS + 0x40000 };

/** One GEMM: `outputs` rows, `inner` reduction steps in a tile, `tiles` tiles of them. */
interface Case {
  readonly machine: MachineDescription;
  readonly a: number;
  readonly w: number;
  readonly biasA: number;
  readonly biasW: number;
  readonly chunkLog2: number;
  readonly outputs: number;
  readonly inner: number;
  readonly tiles: number;
  readonly bias: boolean;
}

const machineOf = (description: MachineDescription): Machine => {
  const extent = {
    constants: { address: RODATA, bytes: new Uint8Array(BSS - RODATA) },
    arena: { address: BSS, size: SIZE },
  };
  return createMachine(description, extent, (address, block) => ({ address, block, node: undefined, op: undefined }));
};

/** DRAM from an address on. */
const bytesAt = ({ dram }: Machine, address: number): Uint8Array => dram.bytes.subarray(dram.arena.at + address - BSS);
const wordsAt = (m: Machine, address: number, count: number): Int32Array => {
  const bytes = bytesAt(m, address);
  return new Int32Array(bytes.buffer, bytes.byteOffset, count);
};

const formatOf = (format: number, bias: number): Minifloat =>
  format === FORMAT.FP16 ? DLFLOAT16 : format === FORMAT.HFP8 ? fp8(bias) : FP8_152;

/** Outputs in loop 13, reduction steps in loop 9, reduction tiles in loop 1. */
function gemm({ machine, a, w, biasA, biasW, chunkLog2, outputs, inner, tiles, bias }: Case): Words {
  const { rows, columns } = machine.array;
  const block = rows * columns;
  const load = (buffer: "WBUF" | "IBUF" | "BBUF", loop: number, from: number, stride: number, bytes: number): Words => [
    ...saBase(buffer, from),
    ...saLoop(loop, 1),
    ...saStride("LD", buffer, loop, 0),
    ...(stride > 0 ? saStride("LD", buffer, 1, stride) : []),
    ...saLd(buffer, loop, bytes),
  ];
  const region = systolic(
    [{ op: "format", a, w, bias: biasA, chunk_log2: chunkLog2 }],
    biasW === biasA ? [] : [{ op: "format_weight_bias", bias: biasW }],
    saLoop(1, tiles),
    saReduction(1),
    saLoop(9, inner),
    saReduction(9),
    saLoop(13, outputs),
    saStride("RD", "WBUF", 9, 1),
    saStride("RD", "IBUF", 9, outputs),
    saStride("RD", "IBUF", 13, 1),
    saStride("WR", "OBUF", 13, 1),
    load("WBUF", 14, AT.weights, inner * block, inner),
    load("IBUF", 15, AT.input, inner * outputs * rows, inner * outputs),
    bias ? load("BBUF", 16, AT.bias, 0, 4) : [],
    saBase("OBUF", AT.result),
    saLoop(17, 1),
    saStride("ST", "OBUF", 17, 0),
    saSt(17, 4 * outputs),
  );
  return blocks([region]);
}

/** Writes random codes: exponents within a window of a random width, sometimes zero, sometimes no number. */
function fill(r: Random, m: Machine, f: Minifloat, at: number, count: number, spread: number, step: number): void {
  const to = bytesAt(m, at);
  const top = 2 ** f.exponentBits - 1;
  const center = Math.min(top, Math.max(0, (top >> 1) + r(-spread, spread)));
  const specials = r(0, 3) === 0 ? 2 : 0;
  for (let i = 0; i < count; i++) {
    const exponent = Math.min(top, Math.max(0, center + r(-spread, spread)));
    const mantissa = r(0, 2) === 0 ? 0 : r(0, 2 ** f.mantissaBits - 1);
    const magnitude =
      r(1, 1000) <= specials ? 2 ** (f.bits - 1) - 1 : r(1, 8) === 1 ? 0 : (exponent << f.mantissaBits) | mantissa;
    const code = (r(0, 1) << (f.bits - 1)) | magnitude;
    for (let b = 0; b < step; b++) to[i * step + b] = (code >> (8 * b)) & 0xff;
  }
}

/** The sums as docs/isa.md defines them, one output after the other. */
function model(m: Machine, c: Case): number[] {
  const { rows, columns } = c.machine.array;
  const { ties } = c.machine;
  const [fa, fw] = [formatOf(c.a, c.biasA), formatOf(c.w, c.biasW)];
  const bytes = fa.bits / 8;
  const pass = rows / bytes;
  const chunk = 2 ** c.chunkLog2;
  const read = (f: Minifloat, at: number): number => {
    const b = bytesAt(m, at);
    return decode(f, f.bits === 16 ? b[0] | (b[1] << 8) : b[0]);
  };
  const results: number[] = [];
  for (let o = 0; o < c.outputs; o++)
    for (let column = 0; column < columns; column++) {
      const products: [number, number][] = [];
      for (let step = 0; step < c.tiles * c.inner; step++)
        for (let k = 0; k < pass; k++) {
          const x = read(fa, AT.input + ((step * c.outputs + o) * pass + k) * bytes);
          const w = read(fw, AT.weights + ((step * pass + k) * columns + column) * bytes);
          products.push(x === 0 || w === 0 ? [0, 0] : [x, w]);
        }
      let total = 0;
      for (let from = 0; from < products.length; from += chunk) {
        let part = 0;
        const run = products.slice(from, from + chunk);
        for (let i = 0; i < run.length; i += 2) {
          const [x, w] = run[i + 1] ?? [0, 0];
          part = fmma(run[i][0], run[i][1], x, w, part, ties);
        }
        total = roundTo(DLFLOAT16, total + part, ties);
      }
      const b = decode(DLFLOAT16, wordsAt(m, AT.bias, columns)[column]);
      results.push(encode(DLFLOAT16, c.bias ? roundTo(DLFLOAT16, total + b, ties) : total));
    }
  return results;
}

function run(m: Machine, c: Case, engine: "reference" | "fast", prepare: () => void): number[] {
  const program = scan(objectOf({ words: gemm(c), machine: c.machine }).text, m.locate);
  createSamples(m).run(program, engine, prepare, () => {});
  return [...wordsAt(m, AT.result, c.outputs * c.machine.array.columns)];
}

const MACHINES = ["tandem-8x8", "tandem-32x32"].flatMap((name) =>
  (["even", "up"] as const).map((ties) => {
    const description = { ...machinePreset(name), ties };
    return { description, machine: machineOf(description) };
  }),
);

const FP8 = [FORMAT.HFP8, FORMAT.FP8_BWD] as const;

describe("minifloat sums", () => {
  it(`of both engines are those of the definition, on ${COUNT} random products from seed ${FIRST}`, () => {
    let numbers = 0;
    for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
      const r = randoms(seed * 7919);
      for (let i = 0; i < 4; i++) r(0, 1);
      const { description, machine } = MACHINES[r(0, MACHINES.length - 1)];
      const fp16 = r(0, 2) > 0;
      const c: Case = {
        machine: description,
        a: fp16 ? FORMAT.FP16 : FP8[r(0, 2) >> 1],
        w: fp16 ? FORMAT.FP16 : FP8[r(0, 2) >> 1],
        biasA: r(0, 1) ? 11 : r(0, 31),
        biasW: r(0, 1) ? 11 : r(0, 31),
        chunkLog2: [0, 1, 3, 4, 5, 6, 7, 12][r(0, 7)],
        outputs: r(1, 3),
        inner: r(1, 4),
        tiles: r(1, 3),
        bias: r(0, 1) === 1,
      };
      const [fa, fw] = [formatOf(c.a, c.biasA), formatOf(c.w, c.biasW)];
      const { rows, columns } = description.array;
      const steps = c.inner * c.tiles;
      const prepare = () => {
        const s = randoms(seed);
        for (let i = 0; i < 4; i++) s(0, 1);
        const spread = [1, 4, 9, 16, 31][s(0, 4)];
        const step = fa.bits / 8;
        fill(s, machine, fa, AT.input, (steps * c.outputs * rows) / step, spread, step);
        fill(s, machine, fw, AT.weights, (steps * rows * columns) / step, spread, step);
        fill(s, machine, DLFLOAT16, AT.bias, columns, spread, 4);
      };
      prepare();
      const want = model(machine, c);
      const message = `seed ${seed}: ${JSON.stringify({ ...c, machine: `${description.name} ${description.ties}` })}`;
      expect(run(machine, c, "reference", prepare), message).toEqual(want);
      expect(run(machine, c, "fast", prepare), message).toEqual(want);
      expect(machine.stats.fallbacks.size, message).toBe(0);
      numbers += want.filter((v) => v !== 0x7fff).length / want.length / COUNT;
    }
    console.log(
      `minifloat sums: ${COUNT} products, seeds from ${FIRST}; ${Math.round(100 * numbers)} % of the sums are numbers`,
    );
    expect(numbers).toBeGreaterThan(0.3);
  });

  it("of two products and a sum near ties, cancelling, and far apart round once", () => {
    let differ = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const r = randoms(seed * 104729);
      for (let i = 0; i < 4; i++) r(0, 1);
      const { description, machine } = MACHINES[seed % 2];
      const outputs = 40;
      const c: Case = {
        machine: description,
        a: FORMAT.FP16,
        w: FORMAT.FP16,
        biasA: 0,
        biasW: 0,
        chunkLog2: 3,
        outputs,
        inner: 1,
        tiles: 1,
        bias: false,
      };
      const input: number[] = [];
      const number = () => (r(0, 1) ? -1 : 1) * (1 + r(0, 511) / 512) * 2 ** r(-31, 32);
      for (let o = 0; o < outputs; o++) {
        // The running sum s, then a1 · b1 + a2 · b2: half a unit of s or s itself, and something much smaller.
        const s = r(0, 3) ? 2 ** r(-20, 20) * (r(0, 1) ? 1 : 1 + r(0, 511) / 512) : number();
        const unit = 2 ** Math.floor(Math.log2(Math.abs(s)));
        const near = [s, unit / 1024, unit / 512, 1.5 * (unit / 1024)][r(0, 3)] * (r(0, 1) ? -1 : 1);
        input.push(s, 0, near, r(0, 1) ? number() : unit * 2 ** -r(10, 50));
      }
      const weights = Array.from({ length: 8 }, (_, i) => {
        const b1 = [1, 1, -1, 2, 1 + r(0, 511) / 512, 0.5, 1, -1][i];
        return [1, 0, b1, [1, -1, 2 ** -20, -(2 ** -9), number(), -1, 2 ** -31, 0][i]];
      });
      const put = (at: number, i: number, x: number) => {
        const code = encode(DLFLOAT16, x);
        bytesAt(machine, at)[2 * i] = code & 255;
        bytesAt(machine, at)[2 * i + 1] = code >> 8;
      };
      const prepare = () => {
        input.forEach((x, i) => {
          put(AT.input, i, x);
        });
        weights.forEach((column, m) => {
          column.forEach((w, k) => {
            put(AT.weights, k * 8 + m, w);
          });
        });
      };
      prepare();
      const want = model(machine, c);
      expect(run(machine, c, "reference", prepare), `seed ${seed}`).toEqual(want);
      expect(run(machine, c, "fast", prepare), `seed ${seed}`).toEqual(want);
      const value = (x: number) => decode(DLFLOAT16, encode(DLFLOAT16, x));
      for (let i = 0; i < want.length; i++) {
        const [s, , a1, a2] = input.slice(4 * Math.floor(i / 8), 4 * Math.floor(i / 8) + 4).map(value);
        const [, , b1, b2] = weights[i % 8].map(value);
        if (encode(DLFLOAT16, a1 * b1 + a2 * b2 + s, description.ties) !== want[i]) differ++;
      }
    }
    console.log(`minifloat sums: ${differ} of ${150 * 320} sums come out otherwise when rounded to binary64 first`);
    expect(differ).toBeGreaterThan(100);
  });

  const GOLDEN: readonly (readonly [chunk: number, even: number, up: number])[] = [
    [1, 1024, 2048],
    [8, 8192, 16384],
    [64, 16384, 16384],
  ];
  it.each(GOLDEN.flatMap(([chunk, even, up]) => [[chunk, "even", even] as const, [chunk, "up", up] as const]))(
    "16,384 ones in chunks of %i, ties %s: %i",
    (chunk, ties: Ties, sum) => {
      const { description, machine } = MACHINES.find(
        (m) => m.description.ties === ties && m.description.array.rows === 32,
      )!;
      for (const [format, pass] of [
        [FORMAT.FP16, 16],
        [FORMAT.HFP8, 32],
      ]) {
        const one = encode(formatOf(format, 11), 1);
        const step = 32 / pass;
        // One block and one row serve all tiles.
        const c: Case = {
          machine: description,
          a: format,
          w: format,
          biasA: 11,
          biasW: 11,
          chunkLog2: Math.log2(chunk),
          outputs: 1,
          inner: 16,
          tiles: 16384 / pass / 16,
          bias: false,
        };
        const prepare = () => {
          for (const [at, count] of [
            [AT.input, 16 * 32],
            [AT.weights, 16 * 1024],
          ])
            for (let i = 0; i < count; i++) bytesAt(machine, at)[i] = (one >> (8 * (i % step))) & 0xff;
        };
        for (const engine of ["reference", "fast"] as const) {
          const words = gemm(c).filter((i) => !(i.op === "sa_set_loop_stride" && i.loop === 1));
          const body = words.slice(1, -2);
          const program = scan(
            objectOf({ words: blocks([systolic(body)]), machine: description }).text,
            machine.locate,
          );
          createSamples(machine).run(program, engine, prepare, () => {});
          expect(decode(DLFLOAT16, wordsAt(machine, AT.result, 1)[0]), engine).toBe(sum);
        }
      }
    },
  );
});
