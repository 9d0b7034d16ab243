import { compile } from "@accelc/compiler";
import { type HostTensor, load, type Stats } from "@accelc/emulator";
import { type Data, evaluate, type Graph } from "@accelc/ir";
import { createOracle } from "@accelc/oracle";
import { buildZoo, ZOO, zooData, zooNetwork } from "@accelc/zoo";
import { describe, expect, it } from "vitest";
import { REDUCED } from "./support/reduced-zoo.js";

const SEED = 5;
const SAMPLES = 4;

type Feeds = Readonly<
  Record<string, { readonly type: string; readonly shape: readonly number[]; readonly data: Data }>
>;

function cosine(a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [Number(a[i]), Number(b[i])];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / Math.sqrt(aa * bb);
}

/** One sample of inputs that are stacked along axis 0. */
function first(feeds: Feeds): Feeds {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, t]) => {
      const [n, ...rest] = t.shape as [number, ...number[]];
      const one = { ...t, shape: [n / SAMPLES, ...rest], data: t.data.slice(0, t.data.length / SAMPLES) as Data };
      return [name, one];
    }),
  );
}

/** Elements that differ between the integer graph and the emulator, over every tensor that reaches DRAM. */
function run(
  elf: Uint8Array,
  graph: Graph,
  feeds: Feeds,
): { different: number; outputs: Readonly<Record<string, HostTensor>>; stats: Stats } {
  const program = load(elf);
  const session = program.session();
  let specified: Map<string, Data> | undefined;
  let different = 0;
  const { outputs, stats } = session.run(feeds as never, {
    onBlockEnd: (block, read) => {
      if (!specified) {
        const stored = program.object.io.inputs.map((place) => {
          const { value } = graph.inputs.find((p) => p.name === place.name)!;
          return [value, read(place) as Data] as const;
        });
        specified = evaluate(graph, new Map(stored));
      }
      for (const t of program.object.debug.tensors.filter((t) => t.block === block)) {
        const want = specified.get(t.name);
        const got = read(t);
        for (let i = 0; want && i < got.length; i++) if (Number(got[i]) !== Number(want[i])) different++;
      }
    },
  });
  return { different, outputs, stats };
}

it("has a size for every network", () => expect(Object.keys(REDUCED)).toEqual(ZOO.map((n) => n.name)));

describe.each(Object.entries(REDUCED))("%s", (name, { options, cosine: least }) => {
  it("runs bit-exactly and near the float model", { timeout: 600_000 }, async () => {
    const network = zooNetwork(name)!;
    const model = buildZoo(network, { ...options, seed: SEED });
    const feeds = zooData(network, { ...options, seed: SEED }, SAMPLES) as unknown as Feeds;
    const settings = { modelName: `${name}.onnx`, calibration: feeds, actQuant: "percentile" } as never;
    const { elf, integerGraph } = await compile(model, settings);
    const sample = first(feeds);
    const { different, outputs, stats } = run(elf, integerGraph, sample);
    expect(different, `seed ${SEED}: elements that differ`).toBe(0);
    expect([...stats.fallbacks], "left to the reference engine").toEqual([]);
    const oracle = await createOracle(model);
    const float = await oracle.run(sample as never);
    await oracle.release();
    for (const [output, t] of Object.entries(outputs))
      expect(cosine(t.data, float.get(output)!.data as never), `seed ${SEED}, ${output}`).toBeGreaterThan(least);
  });
});
