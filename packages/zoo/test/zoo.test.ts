import { decodeModel, type ModelProto } from "@accelc/frontend";
import { createOracle, type OracleTensor } from "@accelc/oracle";
import { describe, expect, it } from "vitest";
import { buildZoo, ZOO, type ZooOptions, zooData, zooInputs, zooNetwork, zooProblem } from "../src/index.js";

const SEED = 3;

/** Small sizes; what the outputs' deviation may be. */
const SMALL: Readonly<Record<string, { readonly options: ZooOptions; readonly sd: readonly [number, number] }>> = {
  vgg16: { options: { resolution: 32 }, sd: [0.5, 10] },
  resnet50: { options: { resolution: 64 }, sd: [0.5, 25] },
  mobilenetv2: { options: { resolution: 64, batch: 2 }, sd: [0.5, 10] },
  "efficientnet-b0": { options: { resolution: 64 }, sd: [0.5, 10] },
  "yolov3-416": { options: { resolution: 64 }, sd: [0.5, 20] },
  "bert-base-128": { options: { sequence: 8, layers: 2, vocabulary: 500, batch: 2 }, sd: [0.3, 2] },
  "gpt2-128": { options: { sequence: 8, layers: 2, vocabulary: 500 }, sd: [1, 8] },
  "vit-b16": { options: { resolution: 32, layers: 2, batch: 2 }, sd: [1, 5] },
  "lstm-2x256": { options: { sequence: 4, batch: 2 }, sd: [0.3, 3] },
};

const deviation = (t: OracleTensor): number => {
  const data = t.data as Float32Array;
  const mean = data.reduce((a, b) => a + b, 0) / data.length;
  return Math.sqrt(data.reduce((a, b) => a + (b - mean) ** 2, 0) / data.length);
};

async function runTwice(bytes: Uint8Array, inputs: readonly ReturnType<typeof zooData>[]) {
  const oracle = await createOracle(bytes);
  const outputs: Map<string, OracleTensor>[] = [];
  for (const i of inputs) outputs.push(await oracle.run(i));
  await oracle.release();
  return outputs;
}

const opsOf = (m: ModelProto): Set<string> => new Set(m.graph!.node!.map((n) => n.opType!));

it("has a small size for every network", () => {
  expect(Object.keys(SMALL)).toEqual(ZOO.map((n) => n.name));
});

describe.each(ZOO.map((n) => n.name))("%s", (name) => {
  const network = zooNetwork(name)!;
  const { options, sd } = SMALL[name]!;
  const bytes = buildZoo(network, { ...options, seed: SEED });

  it("runs in ONNX Runtime, with outputs that depend on the input and neither explode nor vanish", async () => {
    const data = [1, 2].map((seed) => zooData(network, { ...options, seed }, 1));
    const [a, b] = await runTwice(bytes, data);
    for (const [output, t] of a!) {
      const other = b!.get(output)!;
      expect(t.data.length).toBeGreaterThan(0);
      expect((t.data as Float32Array).every(Number.isFinite)).toBe(true);
      expect(deviation(t), `seed ${SEED}, ${output}`).toBeGreaterThan(sd[0]);
      expect(deviation(t), `seed ${SEED}, ${output}`).toBeLessThan(sd[1]);
      const difference = { ...t, data: (t.data as Float32Array).map((x, i) => x - Number(other.data[i])) };
      expect(deviation(difference), output).toBeGreaterThan(0.1 * deviation(t));
    }
  });

  it("declares its inputs and outputs as they are", async () => {
    const { graph } = decodeModel(bytes);
    expect(graph!.input!.map((i) => i.name)).toEqual(zooInputs(network, options).map((i) => i.name));
    const names = graph!.node!.map((n) => n.name);
    expect(new Set(names).size).toBe(names.length);
    const known = new Set([...graph!.initializer!, ...graph!.input!].map((t) => t.name));
    for (const n of graph!.node!) {
      for (const i of n.input!) if (i !== "") expect(known, `${n.name} reads ${i}`).toContain(i);
      for (const o of n.output!) known.add(o);
    }
    for (const o of graph!.output!) expect(known).toContain(o.name);
  });
});

it.each(["mobilenetv2", "bert-base-128", "lstm-2x256"])("%s is the same for the same seed only", (name) => {
  const network = zooNetwork(name)!;
  const build = (seed: number) => Buffer.from(buildZoo(network, { ...SMALL[name]!.options, seed }));
  expect(build(SEED).equals(build(SEED))).toBe(true);
  expect(build(SEED).equals(build(SEED + 1))).toBe(false);
});

describe("forms", () => {
  const ops = (name: string, more: ZooOptions = {}) =>
    opsOf(decodeModel(buildZoo(zooNetwork(name)!, { ...SMALL[name]!.options, ...more })));

  it("are the exporters'", () => {
    expect([...ops("efficientnet-b0")].sort()).toEqual(
      ["Add", "Conv", "Flatten", "Gemm", "GlobalAveragePool", "Mul", "Sigmoid"].sort(),
    );
    expect(ops("yolov3-416")).toContain("BatchNormalization");
    expect(ops("bert-base-128")).not.toContain("LayerNormalization");
    expect(ops("vit-b16")).toContain("LayerNormalization");
    expect(ops("gpt2-128")).toContain("Where");
  });

  it("BERT takes an attention mask on request", async () => {
    const network = zooNetwork("bert-base-128")!;
    const options = { ...SMALL[network.name]!.options, attentionMask: true };
    const [a] = await runTwice(buildZoo(network, options), [zooData(network, options, 1)]);
    expect(deviation(a!.get("last_hidden_state")!)).toBeGreaterThan(0.3);
  });
});

describe("options", () => {
  it("that do not fit are refused", () => {
    expect(zooProblem(zooNetwork("resnet50")!, { resolution: 100 })).toBe(
      "the resolution of resnet50 must be a multiple of 32, not 100",
    );
    expect(zooProblem(zooNetwork("resnet50")!, { sequence: 8 })).toBe("resnet50 has no sequence");
    expect(zooProblem(zooNetwork("bert-base-128")!, { sequence: 513 })).toMatch("at most 512");
    expect(zooProblem(zooNetwork("lstm-2x256")!, { layers: 3 })).toMatch("fixed layers");
    expect(() => buildZoo(zooNetwork("vgg16")!, { resolution: 7 })).toThrow(RangeError);
  });
});

describe("data", () => {
  it.each(ZOO.map((n) => n.name))("of %s stack samples and stay in their ranges", (name) => {
    const network = zooNetwork(name)!;
    const { options } = SMALL[name]!;
    const data = zooData(network, { ...options, seed: SEED }, 3);
    for (const i of zooInputs(network, options)) {
      const t = data[i.name]!;
      expect(t.shape).toEqual([3 * i.shape[0]!, ...i.shape.slice(1)]);
      const values = Array.from(t.data as ArrayLike<number | bigint>, Number);
      expect(values.length).toBe(t.shape.reduce((a, b) => a * b, 1));
      if (i.kind === "unit-image") expect(values.every((v) => v >= 0 && v <= 1)).toBe(true);
      if (i.kind === "tokens") expect(values.every((v) => v >= 0 && v < i.limit!)).toBe(true);
    }
  });
});
