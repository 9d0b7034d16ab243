import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildModel, encodeModel, type ModelText } from "@accelc/frontend";
import { beforeEach, expect, it } from "vitest";
import { encodeNpy } from "../src/tensor/npy.js";
import { accelc, scratch } from "./harness.js";

let cwd: string;
let state = 7;
const next = (): number => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return state / 2 ** 31 - 1;
};
const draw = (n: number): number[] => Array.from({ length: n }, next);

/** Two convolutions and a dense layer. */
const MODEL: ModelText = {
  name: "small",
  inputs: [{ name: "x", shape: ["N", 3, 8, 8] }],
  outputs: [{ name: "y", shape: ["N", 5] }],
  initializers: [
    { name: "w", shape: [16, 3, 3, 3], data: draw(432) },
    { name: "v", shape: [16, 16, 3, 3], data: draw(2304) },
    { name: "d", shape: [16, 5], data: draw(80) },
  ],
  nodes: [
    { op: "Conv", name: "first", inputs: ["x", "w"], outputs: ["a"], attributes: { pads: { ints: [1, 1, 1, 1] } } },
    { op: "Relu", name: "relu1", inputs: ["a"], outputs: ["b"] },
    { op: "Conv", name: "second", inputs: ["b", "v"], outputs: ["c"] },
    { op: "Relu", name: "relu2", inputs: ["c"], outputs: ["e"] },
    { op: "GlobalAveragePool", name: "pool", inputs: ["e"], outputs: ["p"] },
    { op: "Flatten", name: "flat", inputs: ["p"], outputs: ["f"] },
    { op: "Gemm", name: "dense", inputs: ["f", "d"], outputs: ["y"] },
  ],
};

const put = (name: string, content: string | Uint8Array): void => writeFileSync(join(cwd, name), content);
const json = (name: string) => JSON.parse(readFileSync(join(cwd, name), "utf8"));
const samples = (n: number) =>
  encodeNpy({ type: "float32", shape: [n, 3, 8, 8], data: Float32Array.from(draw(n * 192)) });

beforeEach(() => {
  cwd = scratch();
  state = 7;
  put("m.onnx", encodeModel(buildModel(MODEL)));
  put("x.npy", samples(24));
  put("t.npy", samples(6));
});

const sqnr = async (how: string[]): Promise<number> => {
  const r = await accelc(["verify", "m.onnx", ...how, "--input", "x=t.npy", "--json"], { cwd });
  expect(r.status).toBe(0);
  const { mismatches, tensors } = JSON.parse(r.stdout);
  expect(mismatches).toBe(0);
  return tensors.find((t: { name: string }) => t.name === "y").sqnrFloatVsInteger;
};

it("a tuned table brings the model nearer to the float model on samples it was not tuned on", async () => {
  const how = ["--precision", "int4"];
  const r = await accelc(["tune", "m.onnx", ...how, "--calib", "x=x.npy", "-o", "t.json"], { cwd });
  expect(r).toMatchObject({ status: 0, stderr: "" });
  expect(r.stdout).toMatch(/of 3 layers tuned for int4; compile with --calib-table t\.json\n$/);
  const { layers, tuned } = json("t.json");
  expect(tuned.done).toEqual(["first", "second", "dense"]);
  for (const l of Object.values(layers) as { before: number; after: number }[]) expect(l.after).toBeLessThan(l.before);
  expect(await sqnr([...how, "--calib-table", "t.json"])).toBeGreaterThan(await sqnr([...how, "--calib", "x=x.npy"]));
});

it("the same samples give the same table, in parts or at once", async () => {
  const how = ["tune", "m.onnx", "--calib", "x=x.npy"];
  await accelc([...how, "-o", "a.json"], { cwd });
  const whole = json("a.json");
  put("b.json", JSON.stringify({ ...whole, layers: {}, tuned: { ...whole.tuned, done: [] } }));
  expect((await accelc([...how, "-o", "b.json", "--resume"], { cwd })).status).toBe(0);
  expect(json("b.json")).toEqual(whole);
});

it("says what is wrong with data, tables and options, and writes nothing", async () => {
  const missing = await accelc(["tune", "m.onnx", "-o", "t.json"], { cwd });
  expect(missing.status).toBe(1);
  expect(missing.stderr).toMatch(/PA1003.*x/s);
  expect(existsSync(join(cwd, "t.json"))).toBe(false);
  await accelc(["tune", "m.onnx", "--calib", "x=x.npy", "-o", "t.json"], { cwd });
  const table = json("t.json");
  const other = await accelc(
    ["tune", "m.onnx", "--precision", "int4", "--calib", "x=x.npy", "-o", "t.json", "--resume"],
    {
      cwd,
    },
  );
  expect(other).toMatchObject({ status: 1 });
  expect(other.stderr).toContain("it was tuned for int8, not for int4");
  put("bad.json", JSON.stringify({ ...table, layers: { third: table.layers.second ?? table.layers.first } }));
  const bad = await accelc(["m.onnx", "--calib-table", "bad.json"], { cwd });
  expect(bad).toMatchObject({ status: 1 });
  expect(bad.stderr).toContain("the model has no layer third that can be tuned");
  const [name, layer] = Object.entries(table.layers)[0] as [string, { scale: number[] }];
  put("short.json", JSON.stringify({ ...table, layers: { [name]: { ...layer, scale: layer.scale.slice(1) } } }));
  const short = await accelc(["m.onnx", "--calib-table", "short.json"], { cwd });
  expect(short.stderr).toMatch(/layer \w+ is not one of \d+ weights and \d+ channels/);
  expect(existsSync(join(cwd, "m.elf"))).toBe(false);
});
