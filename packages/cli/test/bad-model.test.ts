import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildModel, encodeModel, type ModelProto, type ModelText } from "@accelc/frontend";
import { beforeEach, describe, expect, it } from "vitest";
import { encodeNpy } from "../src/tensor/npy.js";
import { accelc, type Outcome, scratch } from "./harness.js";

let cwd: string;

const put = (name: string, content: string | Uint8Array): void => writeFileSync(join(cwd, name), content);
const ones = (shape: readonly number[], name: string) => ({
  name,
  shape,
  data: new Array(shape.reduce((a, b) => a * b, 1)).fill(1),
});

/** x[1,2,4,4] → Conv → Relu → y. */
const GOOD: ModelText = {
  inputs: [{ name: "x", shape: [1, 2, 4, 4] }],
  outputs: [{ name: "y", shape: [1, 3, 4, 4] }],
  initializers: [ones([3, 2, 1, 1], "w")],
  nodes: [
    { op: "Conv", name: "conv", inputs: ["x", "w"], outputs: ["c"] },
    { op: "Relu", name: "relu", inputs: ["c"], outputs: ["y"] },
  ],
};

const model = (change: Partial<ModelText> = {}): ModelProto => buildModel({ ...GOOD, ...change });
const putModel = (change: Partial<ModelText> = {}): void => put("m.onnx", encodeModel(model(change)));

const samples = (count: number, at?: number, value = 0): Uint8Array => {
  const data = Float32Array.from({ length: count * 32 }, (_, i) => Math.sin(i));
  if (at !== undefined) data[at] = value;
  return encodeNpy({ type: "float32", shape: [count, 2, 4, 4], data });
};

/** Compiles m.onnx; whatever happens, no file may appear and no stack may show. */
async function compile(...argv: string[]): Promise<Outcome> {
  const before = readdirSync(cwd);
  const r = await accelc(["m.onnx", ...argv], { cwd });
  expect(readdirSync(cwd)).toEqual(before);
  expect(r.stderr).not.toMatch(/\n\s+at /);
  expect(r.stdout).toBe("");
  return r;
}

beforeEach(() => {
  cwd = scratch();
  put("x.npy", samples(2));
});

describe("a model that cannot be read: status 1", () => {
  it("missing", async () => {
    expect(await compile("--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "CL1001: cannot read m.onnx: no such file or folder
        help: check the path and its permissions
      ",
        "stdout": "",
      }
    `);
  });

  it("truncated", async () => {
    const bytes = encodeModel(model());
    put("m.onnx", bytes.subarray(0, bytes.length - 7));
    expect(await compile()).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: FE2001: the file is not an ONNX model: it ends in the middle of a message
        help: check that the file is complete and was written by an ONNX exporter
      ",
        "stdout": "",
      }
    `);
  });

  it("empty", async () => {
    put("m.onnx", "");
    expect(await compile()).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: FE2001: the file is not an ONNX model: it is empty
        help: check that the file is complete and was written by an ONNX exporter
      ",
        "stdout": "",
      }
    `);
  });

  it("no protobuf at all", async () => {
    put("m.onnx", "<html>404 Not Found</html>");
    expect(await compile()).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: FE2001: the file is not an ONNX model: invalid wire type 4 at offset 5
        help: check that the file is complete and was written by an ONNX exporter
      ",
        "stdout": "",
      }
    `);
  });

  it("nested a million deep", async () => {
    put("m.onnx", hostile());
    const r = await compile();
    expect(r.status).toBe(1);
    expect(r.stderr).toMatch(/^m\.onnx: FE2001: the file is not an ONNX model: /);
  });

  it("a tensor larger than any memory", async () => {
    const proto = model();
    proto.graph!.initializer![0]!.dims = [2 ** 31, 2 ** 31, 1, 1];
    put("m.onnx", encodeModel(proto));
    expect(await compile("--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: FE2007: initializer "w": its shape [2147483648,2147483648,1,1] has too many elements
        help: export the model again
      ",
        "stdout": "",
      }
    `);
  });

  it("without a graph", async () => {
    put("m.onnx", encodeModel({ ...model(), graph: null }));
    expect(await compile()).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: FE2002: the model holds no graph
        help: check that the file is a complete ONNX model
      ",
        "stdout": "",
      }
    `);
  });

  it("with a cycle", async () => {
    putModel({
      nodes: [
        { op: "Add", name: "first", inputs: ["x", "b"], outputs: ["a"] },
        { op: "Relu", name: "second", inputs: ["a"], outputs: ["b"] },
        { op: "Relu", name: "third", inputs: ["b"], outputs: ["y"] },
      ],
    });
    expect(await compile()).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: node "first" (Add): FE2003: the graph has a cycle through "first", "second"
        help: check the model with the ONNX checker and export it again
      ",
        "stdout": "",
      }
    `);
  });

  it("with unknown operators, all at once", async () => {
    putModel({
      domains: { "com.example": 1 },
      nodes: [
        { op: "Wobble", name: "w1", inputs: ["x"], outputs: ["a"] },
        { op: "NonMaxSuppression", inputs: ["a", "a"], outputs: ["b"] },
        { op: "Gadget", name: "g", domain: "com.example", inputs: ["b"], outputs: ["y"] },
      ],
    });
    expect(await compile()).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: node "w1" (Wobble): FE1001: operator Wobble (domain ai.onnx, opset 13) is not supported
        help: replace it by supported operators; \`accelc ops\` lists them with their opsets
      m.onnx: node "NonMaxSuppression #1" (NonMaxSuppression): FE1001: operator NonMaxSuppression (domain ai.onnx, opset 13) is not supported
        help: replace it by supported operators; \`accelc ops\` lists them with their opsets
      m.onnx: node "g" (Gadget): FE1001: operator Gadget (domain com.example, opset 1) is not supported
        help: replace it by supported operators; \`accelc ops\` lists them with their opsets
      ",
        "stdout": "",
      }
    `);
  });

  it("with an attribute value that is not understood", async () => {
    putModel({
      nodes: [
        {
          op: "Conv",
          name: "conv",
          inputs: ["x", "w"],
          outputs: ["y"],
          attributes: { auto_pad: { s: "SAME_MIDDLE" } },
        },
      ],
    });
    expect(await compile()).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: node "conv" (Conv): FE1002: attribute auto_pad of Conv is "SAME_MIDDLE": it must be one of NOTSET, SAME_UPPER, SAME_LOWER, VALID
        help: re-export the model without it, or replace the operator
      ",
        "stdout": "",
      }
    `);
  });

  it("with a dynamic dimension", async () => {
    putModel({ inputs: [{ name: "x", shape: ["N", 2, 4, "W"] }] });
    expect(await compile("--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: FE2009: input x has the dynamic dimension W on axis 3
        help: bind it, for instance with --input-shape x=1,2,4,1
      ",
        "stdout": "",
      }
    `);
  });

  it("with an --input-shape that does not fit", async () => {
    putModel({ inputs: [{ name: "x", shape: ["N", 2, 4, 4] }] });
    expect(await compile("--input-shape", "x=1,3,4,4")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: FE2010: --input-shape x=1,3,4,4 does not fit the model: axis 1 is 3; the model declares [N,2,4,4]
        help: the model declares [N,2,4,4]
      ",
        "stdout": "",
      }
    `);
  });
});

/** Group fields (wire type 3) opened a million times. */
const hostile = (): Uint8Array => new Uint8Array(1_000_000).fill((7 << 3) | 3);

describe("external data: status 1", () => {
  const external = (location: string, length = "24"): void => {
    const proto = model();
    const t = proto.graph!.initializer![0]!;
    t.rawData = null;
    t.dataLocation = 1;
    t.externalData = [
      { key: "location", value: location },
      { key: "length", value: length },
    ];
    put("m.onnx", encodeModel(proto));
  };

  it("outside the folder", async () => {
    external("../secret.bin");
    expect(await compile("--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: FE2008: external data of "w": the location "../secret.bin" leaves the model's folder
        help: keep the data file beside the model
      ",
        "stdout": "",
      }
    `);
  });

  it("absolute", async () => {
    external("/etc/passwd");
    expect(await compile("--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: FE2008: external data of "w": the location "/etc/passwd" is absolute
        help: keep the data file beside the model
      ",
        "stdout": "",
      }
    `);
  });

  it("through a symbolic link", async () => {
    external("link.bin");
    const { symlinkSync } = await import("node:fs");
    symlinkSync("/etc/hostname", join(cwd, "link.bin"));
    expect(await compile("--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: FE2008: external data of "w": "link.bin" cannot be read: it lies outside the model's folder
        help: keep the data file beside the model
      ",
        "stdout": "",
      }
    `);
  });

  it("short", async () => {
    external("w.bin");
    put("w.bin", new Uint8Array(20));
    expect(await compile("--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: FE2008: external data of "w": "w.bin" holds 20 of the 24 bytes from offset 0
        help: keep the data file beside the model
      ",
        "stdout": "",
      }
    `);
  });

  it("missing", async () => {
    external("w.bin");
    expect(await compile("--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: FE2008: external data of "w": "w.bin" cannot be read: no such file or folder
        help: keep the data file beside the model
      ",
        "stdout": "",
      }
    `);
  });
});

describe("calibration: status 1", () => {
  beforeEach(() => putModel());

  it("none", async () => {
    expect(await compile()).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: PA1003: no calibration data for input x of shape [1,2,4,4]
        help: add --calib x=FILE.npy
      ",
        "stdout": "",
      }
    `);
  });

  it("of the wrong shape", async () => {
    put("x.npy", encodeNpy({ type: "float32", shape: [3, 2, 4, 5], data: new Float32Array(120) }));
    expect(await compile("--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: PA1001: calibration data for input x has shape [3,2,4,5]; the model needs [1,2,4,4] or a multiple along axis 0
        help: stack the samples along axis 0, in the model's own layout
      ",
        "stdout": "",
      }
    `);
  });

  it("of the wrong type", async () => {
    put("x.npy", encodeNpy({ type: "float64", shape: [1, 2, 4, 4], data: new Float64Array(32) }));
    expect(await compile("--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: PA1006: calibration data for input x has type float64; the model needs float32
        help: write the array as float32, e.g. x.astype(numpy.float32)
      ",
        "stdout": "",
      }
    `);
  });

  it("with NaN", async () => {
    put("x.npy", samples(2, 40, Number.NaN));
    expect(await compile("--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: PA1002: calibration data for input x holds NaN at element 40
        help: remove or repair the sample: ranges are measured on it
      ",
        "stdout": "",
      }
    `);
  });

  it("for an input that is not there", async () => {
    expect(await compile("--calib", "x=x.npy", "--calib", "image=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: PA1004: --calib names input image, which the model does not have; its inputs are x
        help: use one of the model's input names
      ",
        "stdout": "",
      }
    `);
  });

  it("that makes the model overflow", async () => {
    putModel({
      outputs: [{ name: "y", shape: [1, 2, 4, 4] }],
      nodes: [
        { op: "Mul", name: "square", inputs: ["x", "x"], outputs: ["s"] },
        { op: "Mul", name: "fourth", inputs: ["s", "s"], outputs: ["y"] },
      ],
    });
    put("x.npy", samples(2, 40, 1e30));
    expect(await compile("--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: PA1005: tensor s takes the value Infinity during calibration
        help: sample 1, counted from 0, causes it; check that sample and the model's own arithmetic
      ",
        "stdout": "",
      }
    `);
  });

  it("that ONNX Runtime cannot run through the model", async () => {
    putModel({ outputs: [{ name: "y", shape: [1, 2, 4, 4] }] });
    expect(await compile("--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "m.onnx: CL1005: model evaluation by ONNX Runtime failed: [ShapeInferenceError] Can't merge shape info. Both inferred and declared dimension have values but they differ. Inferred=3 Declared=2 Dimension=1
        help: check that the model runs in ONNX Runtime
      ",
        "stdout": "",
      }
    `);
  });

  it("from a file that is no tensor", async () => {
    put("x.npy", "1 2 3");
    expect(await compile("--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "CL1003: x.npy is not a tensor file: it is neither .npy nor .npz, and its name does not end in .pb
        help: give a .npy, .npz or ONNX TensorProto .pb file
      ",
        "stdout": "",
      }
    `);
  });

  it("from tables that are none", async () => {
    put("t.json", "{");
    put("u.json", JSON.stringify({ version: 1, ranges: { x: { min: 0, max: 1 } } }));
    put("v.json", JSON.stringify({ version: 9, ranges: {} }));
    const texts = [];
    for (const t of ["t.json", "u.json", "v.json"]) texts.push(await compile("--calib-table", t));
    expect(texts).toMatchInlineSnapshot(`
      [
        {
          "status": 1,
          "stderr": "CL1004: --calib-table t.json: it is not JSON
        help: write it again with --write-calib-table
      ",
          "stdout": "",
        },
        {
          "status": 1,
          "stderr": "CL1004: --calib-table u.json: it has no range for c, y
        help: write one for this model with --write-calib-table; one without the line \`model\` is taken for any model with these tensors
      ",
          "stdout": "",
        },
        {
          "status": 1,
          "stderr": "CL1004: --calib-table v.json: version 9 is unknown
        help: write it again with --write-calib-table
      ",
          "stdout": "",
        },
      ]
    `);
  });
});

describe("choices and places: status 1", () => {
  beforeEach(() => putModel());

  it("a format, methods and a machine that are not available", async () => {
    expect(
      await compile("--precision", "bf16", "--act-quant", "least", "--weight-quant", "most"),
    ).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "PA2002: --precision bf16 is not available: this version has int8, int16, int4, int2, fp16, hfp8 and mixed
        help: use --precision int8
      PA2002: --act-quant least is not available: this version has minmax, percentile, mse, octav and pact
        help: use --act-quant minmax
      PA2002: --weight-quant most is not available: this version has max, mse, octav and sawb
        help: use --weight-quant max
      ",
        "stdout": "",
      }
    `);
    expect(await compile("--target", "tandem-7x7")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "MA1001: unknown machine: tandem-7x7
        help: Known machines: tandem-32x32, tandem-8x8, tandem-16x16, tandem-64x64, tandem-128x128; or give a JSON file.
      ",
        "stdout": "",
      }
    `);
    expect(await compile("--target", "mine.json")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "CL1001: cannot read mine.json: no such file or folder
        help: check the path and its permissions
      ",
        "stdout": "",
      }
    `);
    put("bad.json", JSON.stringify({ name: "bad", extends: "tandem-32x32", array: { rows: 16 } }));
    expect(await compile("--target", "bad.json")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "bad.json: MA1003: machine description breaks its rules: bad
        array.columns: must equal array.rows (16) (found 32)
        help: docs/machine.md lists every field.
      ",
        "stdout": "",
      }
    `);
  });

  it("folders that cannot be written to", async () => {
    expect(await compile("-o", "no/such/m.elf", "--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "CL1002: cannot write no/such/m.elf: no such file or folder
        help: choose an existing folder that can be written to
      ",
        "stdout": "",
      }
    `);
    expect(await compile("-o", "x.npy/m.elf", "--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "CL1002: cannot write x.npy/m.elf: a part of the path is not a folder
        help: choose an existing folder that can be written to
      ",
        "stdout": "",
      }
    `);
    expect(await compile("-o", "/proc/m.elf", "--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "CL1002: cannot write /proc/m.elf: no such file or folder
        help: choose an existing folder that can be written to
      ",
        "stdout": "",
      }
    `);
    expect(await compile("-o", "m.onnx", "--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "CL1002: cannot write m.onnx: it is the input itself
        help: choose an existing folder that can be written to
      ",
        "stdout": "",
      }
    `);
    expect(await compile("--report-json", "no/r.json", "--calib", "x=x.npy")).toMatchInlineSnapshot(`
      {
        "status": 1,
        "stderr": "CL1002: cannot write no/r.json: no such file or folder
        help: choose an existing folder that can be written to
      ",
        "stdout": "",
      }
    `);
  });

  it("all of it as JSON lines", async () => {
    const r = await compile("--diagnostics", "json", "--precision", "bf16", "--act-quant", "least");
    const lines = r.stderr
      .trimEnd()
      .split("\n")
      .map((l) => JSON.parse(l));
    expect(r.status).toBe(1);
    expect(lines.map((d) => d.code)).toEqual(["PA2002", "PA2002"]);
    expect(Object.keys(lines[0])).toEqual(["code", "location", "message", "hint"]);
  });
});
