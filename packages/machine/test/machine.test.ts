import { describe, expect, it } from "vitest";
import {
  derive,
  extraCycles,
  loadMachine,
  MACHINE_ERRORS,
  MachineError,
  type MachineErrorCode,
  machineNames,
  machinePreset,
} from "../src/index.js";

const base = machinePreset("tandem-32x32");

function errorOf(f: () => unknown): MachineError {
  try {
    f();
  } catch (e) {
    if (e instanceof MachineError) return e;
    throw e;
  }
  throw new Error("nothing was thrown");
}

function leaves(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return typeof value === "number" ? [path] : [];
  return Object.entries(value).flatMap(([k, v]) => leaves(v, path ? `${path}.${k}` : k));
}

describe("presets", () => {
  it("are the five known machines, the default first", () => {
    expect(machineNames()).toEqual(["tandem-32x32", "tandem-8x8", "tandem-16x16", "tandem-64x64", "tandem-128x128"]);
    for (const name of machineNames()) expect(machinePreset(name).name).toBe(name);
  });

  it("tandem-32x32 is thesis Table 4.4", () => {
    const d = derive(base);
    expect(d.ibuf.bytes + d.wbuf.bytes + d.bbuf.bytes).toBe(384 * 1024);
    expect(d.obuf.bytes).toBe(128 * 1024);
    expect(2 * d.vmem.bytes).toBe(128 * 1024);
    expect(d.onChipBytes).toBe(640 * 1024);
    expect([base.array.rows, base.array.columns, base.tandem.lanes]).toEqual([32, 32, 32]);
    expect([base.frequencyHz, base.tandem.immSlots, base.tandem.specialFunctions]).toEqual([1e9, 32, false]);
  });

  it("sweep members keep the bytes per lane", () => {
    for (const n of [8, 64, 128]) {
      const d = derive(machinePreset(`tandem-${n}x${n}`));
      expect(d.onChipBytes).toBe((640 * 1024 * n) / 32);
      expect(d.dramBytesPerSecond).toBe(2e9 * n);
    }
  });

  it("give a source for every number", () => {
    for (const name of machineNames()) {
      const m = machinePreset(name);
      expect(leaves({ ...m, sources: {} }).filter((p) => !m.sources[p])).toEqual([]);
    }
  });

  it("are frozen", () => {
    expect(() => {
      (base.array as { rows: number }).rows = 1;
    }).toThrow(TypeError);
  });

  it("have the published latencies", () => {
    const published = { sigmoid: 4, tanh: 4, macc: 2, sqrt: 8, div: 51, add: 0, exp: 0, floor: 0 } as const;
    for (const [k, v] of Object.entries(published)) expect(extraCycles(base, k as keyof typeof published)).toBe(v);
  });
});

describe("derive", () => {
  it("gives halves, rates and fill", () => {
    const d = derive(base);
    expect(d.ibuf).toEqual({ rows: 4096, rowBytes: 32, bytes: 131072, halfRows: 2048, halfBytes: 65536 });
    expect(d.wbuf).toEqual({ rows: 240, rowBytes: 1024, bytes: 245760, halfRows: 120, halfBytes: 122880 });
    expect(d.bbuf.halfRows).toBe(64);
    expect(d.obuf.halfRows).toBe(512);
    expect(d.vmem).toEqual({ rows: 512, rowBytes: 128, bytes: 65536 });
    expect(d.peakMacsPerCycle).toEqual({ int8: 1024, int4: 2048, int2: 4096, hfp8: 1024, fp16: 512 });
    expect(d.reductionPerPass).toEqual({ int8: 32, int4: 64, int2: 128, hfp8: 32, fp16: 16 });
    expect([d.fillDrainCycles, d.burstCycles, d.dramBytesPerSecond]).toEqual([63, 1, 64e9]);
  });
});

describe("loadMachine", () => {
  it("reads back what it gives, as value and as text", () => {
    for (const name of machineNames()) {
      const m = machinePreset(name);
      expect(loadMachine(structuredClone(m))).toEqual(m);
      expect(loadMachine(JSON.stringify(m))).toEqual(m);
    }
  });

  it("inherits key by key, drops the sources of what is overridden, needs its own name", () => {
    const m = loadMachine({ name: "fast", extends: "tandem-32x32", dram: { bytesPerCycle: 256 } });
    expect(m.dram).toEqual({ ...base.dram, bytesPerCycle: 256 });
    expect(m.sources["dram.bytesPerCycle"]).toBeUndefined();
    expect(m.sources["dram.burstBytes"]).toBe(base.sources["dram.burstBytes"]);
    expect("extends" in m).toBe(false);
    expect(errorOf(() => loadMachine({ extends: "tandem-32x32" })).problems.map((p) => p.path)).toEqual(["name"]);
  });

  it("inherits through a resolver, over several steps", () => {
    const files: Record<string, unknown> = {
      a: '{"name":"a","extends":"b","ties":"up"}',
      b: { name: "b", extends: "c", frequencyHz: 5e8 },
      c: base,
    };
    const m = loadMachine({ name: "x", extends: "a" }, (n) => files[n]);
    expect([m.name, m.ties, m.frequencyHz]).toEqual(["x", "up", 5e8]);
  });

  it("lists every violated rule at once, with path and value", () => {
    const e = errorOf(() =>
      loadMachine({
        name: "a b",
        extends: "tandem-32x32",
        foo: 1,
        array: { rows: "many" },
        tandem: { lanes: 0, zork: 2 },
        buffers: { ibufRows: 3 },
        latencyCycles: { sigmiod: 3, div: -1 },
        dram: { addressBits: 64, bytesPerCycle: 0 },
        ties: "down",
      }),
    );
    expect(e.code).toBe("MA1003");
    expect(e.problems.map((p) => [p.path, p.actual]).sort()).toEqual(
      [
        ["array.rows", "many"],
        ["buffers.ibufRows", 3],
        ["dram.addressBits", 64],
        ["dram.bytesPerCycle", 0],
        ["foo", 1],
        ["latencyCycles.div", -1],
        ["latencyCycles.sigmiod", 3],
        ["name", "a b"],
        ["tandem.lanes", 0],
        ["tandem.zork", 2],
        ["ties", "down"],
      ].sort(),
    );
    for (const p of e.problems) expect(e.message).toContain(`${p.path}: ${p.rule} (found ${JSON.stringify(p.actual)})`);
  });

  it("requires rows == columns == lanes, whole reduction elements, and sources that name fields", () => {
    const e = errorOf(() =>
      loadMachine({
        ...base,
        array: { ...base.array, rows: 33 },
        tandem: { ...base.tandem, lanes: 16 },
        sources: { q: "" },
      }),
    );
    expect(e.problems.map((p) => `${p.path}: ${p.rule}`)).toEqual([
      "array.columns: must equal array.rows (33)",
      "tandem.lanes: must equal array.columns (32)",
      "array.formats.fp16: times array.rows (33) must be a whole number of reduction elements",
      "sources.q: names no field of this description",
    ]);
  });

  it("names rules that join fields beside those of single fields", () => {
    const e = errorOf(() =>
      loadMachine({ ...base, array: { ...base.array, columns: 16 }, buffers: { ...base.buffers, ibufRows: 3 } }),
    );
    expect(e.problems.map((p) => p.path)).toEqual(["buffers.ibufRows", "array.columns", "tandem.lanes"]);
  });

  it("takes the formats an array may have: a row of IBUF holds its rows in bytes", () => {
    const formats = { ...base.array.formats, int4: 0, int2: 2 };
    const e = errorOf(() => loadMachine({ ...base, array: { ...base.array, formats } }));
    expect(e.problems.map((p) => `${p.path}: ${p.rule}`)).toEqual([
      "array.formats.int2: must be 4, what a row of array.rows bytes holds, or 0",
    ]);
  });

  it("reports absent fields", () => {
    const { frequencyHz: _, ...rest } = base;
    const e = errorOf(() => loadMachine(rest));
    expect(e.problems.map((p) => [p.path, p.actual])).toContainEqual(["frequencyHz", undefined]);
    expect(e.message).toContain("found nothing");
  });

  it("provokes every error code", () => {
    const circle = (n: string) => ({ name: n, extends: n === "a" ? "b" : "a" });
    const provoked: Record<MachineErrorCode, () => unknown> = {
      MA1001: () => machinePreset("tandem-9x9"),
      MA1002: () => loadMachine("{"),
      MA1003: () => loadMachine({}),
      MA1004: () => loadMachine({ name: "x", extends: "a" }, circle),
    };
    for (const code of Object.keys(MACHINE_ERRORS) as MachineErrorCode[]) {
      const e = errorOf(provoked[code]);
      expect(e.code).toBe(code);
      expect(e.message).toContain(MACHINE_ERRORS[code]);
      expect(e.hint.length).toBeGreaterThan(10);
    }
    expect(errorOf(provoked.MA1001).hint).toContain("tandem-32x32, tandem-8x8");
    expect(errorOf(() => loadMachine({ name: "x", extends: "nope" })).code).toBe("MA1001");
    expect(errorOf(provoked.MA1004).message).toContain("a → b → a");
    for (const v of [null, 3, [], "[]"]) expect(errorOf(() => loadMachine(v)).code).toBe("MA1002");
    expect(errorOf(() => loadMachine({ name: "x", extends: 7 })).problems[0]).toMatchObject({
      path: "extends",
      actual: 7,
    });
  });
});
