import { readFileSync } from "node:fs";
import { compile } from "@accelc/compiler";
import { type HostTensor, load, type Stats } from "@accelc/emulator";
import { describe, expect, it } from "vitest";
import { NETWORKS } from "../bench/networks.mjs";

/** The first run plans, later ones repeat. */
const SAMPLES = 2;

const bytes = (a: HostTensor["data"]): Buffer => Buffer.from(a.buffer, a.byteOffset, a.byteLength);
const shared = ({ calls, fallbacks, slowRegions, ...stats }: Stats) => stats;

describe("both engines on whole networks", () => {
  it.each(NETWORKS.map((n) => [n.name, n] as const))(
    "%s: same outputs and counts, nothing left over",
    async (_, network) => {
      const { shape, data } = network.calibration();
      const all = { type: "float32", shape, data } as HostTensor;
      const { elf } = await compile(new Uint8Array(readFileSync(network.model)), {
        calibration: { [network.input]: all },
      } as Parameters<typeof compile>[1]);
      const size = network.shape.reduce((a, b) => a * b, 1);
      const samples = Math.min(SAMPLES, all.data.length / size);
      const stacked = {
        type: "float32",
        shape: [samples * network.shape[0], ...network.shape.slice(1)],
        data: all.data.slice(0, samples * size),
      } as HostTensor;
      const session = load(elf).session();
      const [fast, reference] = (["fast", "reference"] as const).map((engine) =>
        session.run({ [network.input]: stacked }, { engine }),
      );
      for (const [name, { data: got }] of Object.entries(fast.outputs)) {
        const want = reference.outputs[name].data;
        expect(bytes(got).equals(bytes(want)), name).toBe(true);
      }
      expect(shared(fast.stats)).toEqual(shared(reference.stats));
      expect([...fast.stats.fallbacks]).toEqual([]);
      expect(fast.stats.calls.size).toBeGreaterThan(0);
    },
  );
});
