import { AccelcError, type Graph, GraphBuilder, type Loc } from "@accelc/ir";
import { loadMachine, type MachineDescription } from "@accelc/machine";
import { planBlocks } from "@accelc/passes";
import { describe, expect, it } from "vitest";

const loc: Loc = { model: "misfit", node: "n", op: "Conv" };
const grid = { scale: [1], zeroPoint: 0, axis: null };

const SMALL = { ibufRows: 256, wbufBlocks: 16, bbufRows: 8, obufRows: 64 };
const machine = (buffers: Partial<typeof SMALL> = {}, vmemRows = 96): MachineDescription =>
  loadMachine({ name: "small", extends: "tandem-8x8", buffers: { ...SMALL, ...buffers }, tandem: { vmemRows } });

/**
 * A convolution of 8 DLFloat channels, two passes of 4, over 1 x `width` with a kernel of 1 x `columns`: the order of its sums
 * keeps the taps of a tile together.
 */
function conv(columns: number, dilation = 1, width = 400): Graph {
  const b = new GraphBuilder("conv");
  const x = b.input({ name: "x", elementType: "int8" }, { dtype: "int8", shape: [1, 8, 1, width], quant: grid });
  const w = b.constant({ dtype: "dlfloat16", shape: [8, 8, 1, columns] }, new Uint16Array(64 * columns));
  const d = b.add("toDlfloat", [x], { shift: 0 }, { ...loc, op: "Cast" });
  const attrs = {
    strides: [1, 1],
    dilations: [1, dilation],
    pads: [0, 0, 0, 0],
    groups: 1,
    fill: 0,
    pass: 4,
    chunk: 64,
  };
  const sum = b.add("conv", [d, w], attrs, loc);
  b.output({ name: "y", elementType: "int32", value: b.add("toFixed", [sum], { shift: 4 }, loc) });
  return b.finish();
}

function pool(side: number): Graph {
  const b = new GraphBuilder("pool");
  const x = b.input({ name: "x", elementType: "int8" }, { dtype: "int8", shape: [1, 8, 20, 20], quant: grid });
  const attrs = { kind: "max", kernel: [side, side], strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], fill: 0 };
  b.output({ name: "y", elementType: "int8", value: b.add("iwindow", [x], attrs as never, { ...loc, op: "MaxPool" }) });
  return b.finish();
}

function refusal(g: Graph, m: MachineDescription) {
  try {
    planBlocks(g, m, { pack: false });
  } catch (e) {
    if (!(e instanceof AccelcError)) throw e;
    const [d] = e.diagnostics;
    return { code: d!.code, message: d!.message, hint: d!.hint };
  }
  return undefined;
}

describe("a node of which no tile fits", () => {
  it("is refused with what its weights need, and fits what is asked for", () => {
    expect(refusal(conv(13), machine())).toEqual({
      code: "CG1001",
      message:
        "Conv does not fit the machine small: its smallest tile (w 1 of 388) needs 26 blocks of WBUF, half of which has 8",
      hint: "it fits a machine with buffers.wbufBlocks of 52 or more (small: 16), or a kernel of 4 columns or fewer",
    });
    expect(refusal(conv(13), machine({ wbufBlocks: 50 }))).toBeDefined();
    expect(refusal(conv(13), machine({ wbufBlocks: 52 }))).toBeUndefined();
    expect(refusal(conv(5), machine())).toBeDefined();
    expect(refusal(conv(4), machine())).toBeUndefined();
  });

  it("is refused with what its input needs", () => {
    expect(refusal(conv(4, 40), machine())).toMatchObject({
      message: expect.stringContaining("needs 242 rows of IBUF, half of which has 128"),
      hint: "it fits a machine with buffers.ibufRows of 484 or more (small: 256)",
    });
    expect(refusal(conv(4, 40), machine({ ibufRows: 482 }))).toBeDefined();
    expect(refusal(conv(4, 40), machine({ ibufRows: 484 }))).toBeUndefined();
  });

  it("names every buffer that is too small", () => {
    const { message, hint } = refusal(conv(13, 20), machine())!;
    expect(message).toMatch(/482 rows of IBUF, half of which has 128; 26 blocks of WBUF, half of which has 8$/);
    expect(hint).toMatch(/buffers\.ibufRows of 964 or more .* and buffers\.wbufBlocks of 52 or more/);
    expect(refusal(conv(13, 20), machine({ ibufRows: 964, wbufBlocks: 52 }))).toBeUndefined();
  });

  it("is refused with the rows that its vectors need", () => {
    expect(refusal(pool(12), machine())).toMatchObject({
      code: "CG1001",
      message: expect.stringMatching(/needs 144 rows of VMEM1 and 1 of VMEM2 \(x 144, .* 1\), which have 96 each$/),
      hint: expect.stringContaining("tandem.vmemRows of 144 or more (small: 96)"),
    });
    expect(refusal(pool(12), machine({}, 143))).toBeDefined();
    expect(refusal(pool(12), machine({}, 144))).toBeUndefined();
  });
});
