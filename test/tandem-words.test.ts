import { compile, lower } from "@accelc/compiler";
import { prune, verifyBlocks } from "@accelc/ir";
import { decode, type Inst, ISA, isCompute, NS } from "@accelc/isa";
import { machinePreset } from "@accelc/machine";
import { buildZoo, zooData, zooNetwork } from "@accelc/zoo";
import { describe, expect, it } from "vitest";
import { randomGraph } from "./support/random-graph.js";
import { REDUCED } from "./support/reduced-zoo.js";

const machine = machinePreset("tandem-32x32");

/**
 * Iterators, immediates and shifts that words set and no instruction uses before they are set again. Walks the words once:
 * what a later tile of a region finds set is what the first one found, or has set.
 */
function idleSettings(text: Uint32Array): string[] {
  const idle: string[] = [];
  const open = new Map<string, { at: number; used: boolean }>();
  const levels = new Map<number, Inst<"set_index">[]>();
  let [level, left, done] = [0, 0, 0];
  const set = (what: string, at: number, whole: boolean) => {
    const before = open.get(what);
    if (before && !before.used && whole) idle.push(`word ${before.at} sets ${what} for nobody`);
    if (whole || !before || before.used) open.set(what, { at, used: false });
  };
  const use = (what: string) => {
    const known = open.get(what);
    if (known) known.used = true;
  };
  text.forEach((word, at) => {
    const i = decode(word)!;
    if (i.op === "iter_base_signext" || i.op === "iter_stride_signext")
      set(`${i.op.slice(5, 9)} ${i.ns}[${i.ix}]`, at, true);
    else if (i.op === "imm_signext" || i.op === "set_imm_low") set(`imm[${i.slot}]`, at, true);
    else if (i.op === "set_imm_high") set(`imm[${i.slot}]`, at, false);
    else if (i.op === "config_fxp32") set("shift", at, true);
    else if (i.op === "sync_start") open.delete("shift");
    else if (i.op === "set_iter") {
      level = i.loop;
      levels.set(level, []);
    } else if (i.op === "set_index") levels.get(level)!.push(i);
    else if (i.op === "set_inst") [left, done] = [i.count, 0];
    else if (isCompute(i)) {
      if (i.op === "mul") use("shift");
      const depth = Math.max(...levels.keys());
      const { reads, writes } = ISA[i.op].operands;
      for (const key of new Set([...reads, ...writes]))
        for (const [l, bindings] of levels) {
          const b = bindings[done]!;
          const [ns, ix] = [b[`${key}_ns`], b[`${key}_ix`]];
          if (ns === NS.IMM) use(`imm[${ix}]`);
          else use(`stri ${ns}[${ix}]`);
          if (l === depth) use(`base ${ns}[${ix}]`);
        }
      done += 1;
      if (done === left) levels.clear();
    }
  });
  for (const [what, { at, used }] of open) if (!used) idle.push(`word ${at} sets ${what} for nobody`);
  return idle;
}

describe("words of the Tandem Processor", () => {
  it("set no iterator, immediate or shift for nobody, in 200 random graphs from seed 1", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const graph = prune(randomGraph(seed, { steps: 2 + (seed % 9), rows: machine.array.rows }));
      expect(idleSettings(lower(graph, machine).object.text), `seed ${seed}`).toEqual([]);
    }
  });

  for (const name of ["mobilenetv2", "efficientnet-b0", "gpt2-128", "lstm-2x256"]) {
    it(`the same in ${name}`, async () => {
      const network = zooNetwork(name)!;
      const reduced = REDUCED[name]!;
      const calibration = zooData(network, reduced.options, 1);
      const { object } = await compile(buildZoo(network, reduced.options), { target: machine, calibration });
      expect(idleSettings(object.text)).toEqual([]);
    });
  }
});

describe("blocks", () => {
  it("that compute, load or store for nobody are refused", () => {
    const graph = prune(randomGraph(4, { steps: 6, rows: machine.array.rows }));
    const { program } = lower(graph, machine).plan;
    verifyBlocks(program, machine.tandem.vmemRows, "test");
    const at = program.blocks.findIndex((b) => b.kind === "compute" && b.vector.stores.length > 0);
    const blocks = program.blocks.map((b, i) =>
      i === at && b.kind === "compute" ? { ...b, vector: { ...b.vector, stores: [] } } : b,
    );
    expect(() => verifyBlocks({ ...program, blocks }, machine.tandem.vmemRows, "test")).toThrow(
      /nothing reads the result/,
    );
    expect(() => verifyBlocks({ ...program, outputs: [] }, machine.tandem.vmemRows, "test")).toThrow(
      /which nothing reads/,
    );
  });
});
