import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { loadMachine, machineHash, machineNames, machinePreset, sha256 } from "../src/index.js";

const bytes = (s: string) => new TextEncoder().encode(s);

describe("sha256", () => {
  it("gives the published vectors (FIPS 180-4 examples)", () => {
    expect(sha256(bytes(""))).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(sha256(bytes("abc"))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(sha256(bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))).toBe(
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    );
    expect(sha256(bytes("a".repeat(1_000_000)))).toBe(
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    );
  });

  it("agrees with the platform at every padding length", () => {
    for (let n = 0; n < 200; n++) {
      const data = Uint8Array.from({ length: n }, (_, i) => (i * 37 + n) & 255);
      expect(sha256(data)).toBe(createHash("sha256").update(data).digest("hex"));
    }
  });
});

describe("machineHash", () => {
  it("does not depend on key order, nor on sources; does on every number", () => {
    const m = machinePreset("tandem-32x32");
    const reordered = Object.fromEntries(Object.entries(m).reverse());
    expect(machineHash(loadMachine(reordered))).toBe(machineHash(m));
    expect(machineHash(loadMachine({ ...m, sources: { frequencyHz: "elsewhere" } }))).toBe(machineHash(m));
    expect(machineHash(loadMachine({ ...m, dram: { ...m.dram, latencyCycles: 101 } }))).not.toBe(machineHash(m));
  });

  it("tells all presets apart", () => {
    expect(new Set(machineNames().map((n) => machineHash(machinePreset(n)))).size).toBe(machineNames().length);
  });
});
