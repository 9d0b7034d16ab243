import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { assemble, decode, OPS, renderIsaMarkdown, WORKED_EXAMPLE } from "../src/index.js";

describe("worked example", () => {
  const words = assemble(WORKED_EXAMPLE);

  it("holds the words of the published program", () => {
    const hex = Array.from(words, (w) => w.toString(16).padStart(8, "0"));
    expect(hex).toEqual(
      expect.arrayContaining([
        "60400000", // VMEM1[0] base 0
        "64400080", // VMEM1[0] stride 128
        "60430080", // VMEM1[3] base 128
        "64610001", // VMEM2[1] stride 1
        "71000001", // loop 0, count 1
        "70424060", // VMEM1[2], VMEM1[0], VMEM2[0]
        "71200080", // loop 1, count 128
        "70434161", // VMEM1[3], VMEM1[1], VMEM2[1]
        "72200001", // nested, 1 instruction
        "00414060", // the pinned ADD
        "b0000001",
      ]),
    );
  });

  it("announces the number of words of its region", () => {
    const start = decode(words[0]!);
    const end = words.findIndex((w) => decode(w)?.op === "sync_end");
    expect(start).toMatchObject({ op: "sync_start", count: end });
    expect(end).toBe(words.length - 2);
  });
});

describe("docs/isa.md", () => {
  const text = renderIsaMarkdown();

  it("names every instruction once in its tables", () => {
    for (const op of OPS) expect(text.split(`\n| \`${op}\` |`), op).toHaveLength(2);
  });

  it("is up to date", () => {
    const file = fileURLToPath(new URL("../../../docs/isa.md", import.meta.url));
    expect(existsSync(file)).toBe(true);
    expect(readFileSync(file, "utf8") === text, "run: npm run docs").toBe(true);
  });
});
