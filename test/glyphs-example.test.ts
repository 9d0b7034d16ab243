import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { evaluateGlyphs } from "../examples/glyphs/evaluate.mjs";
import { generateGlyphs, SHAPES, TEST_SEED, writeGlyphs } from "../examples/glyphs/generate.mjs";

const CLASSES = SHAPES.length;
const PIXELS = 32 * 32;

const hashOf = ({ images, labels }: { images: Float32Array; labels: Int32Array }) =>
  createHash("sha256")
    .update(new Uint8Array(images.buffer))
    .update(new Uint8Array(labels.buffer))
    .digest("hex")
    .slice(0, 16);

describe("glyph generator", () => {
  it("draws the same images for a seed, always", () => {
    expect(hashOf(generateGlyphs({ seed: 7, count: 500 }))).toBe("ab82af288f234654");
  });

  it("draws other images for another seed", () => {
    const hashes = [0, 1, 2, 500, 1000, 2 ** 31].map((seed) => hashOf(generateGlyphs({ seed, count: 20 })));
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it("only appends when more images are asked for", () => {
    const few = generateGlyphs({ seed: 7, count: 33 });
    const many = generateGlyphs({ seed: 7, count: 70 });
    expect(many.images.subarray(0, 33 * PIXELS)).toEqual(few.images);
    expect(many.labels.subarray(0, 33)).toEqual(few.labels);
  });

  it("draws every class equally often", () => {
    const { labels } = generateGlyphs({ seed: 7, count: 500 });
    const counts = new Array<number>(CLASSES).fill(0);
    for (const label of labels) counts[label]++;
    expect(counts).toEqual(new Array<number>(CLASSES).fill(500 / CLASSES));
  });

  it("gives normalized grey levels of the stated shape", () => {
    const { images, shape } = generateGlyphs({ seed: 7, count: 40 });
    expect(shape).toEqual([40, 1, 32, 32]);
    expect(images.length).toBe(40 * PIXELS);
    for (const v of images) {
      const grey = v * 63.75 + 127.5;
      expect(Math.abs(grey - Math.round(grey))).toBeLessThan(1e-4);
      expect(Math.abs(v)).toBeLessThanOrEqual(2);
    }
  });

  it("writes NumPy files", () => {
    const out = mkdtempSync(join(tmpdir(), "glyphs-"));
    try {
      writeGlyphs({ seed: 7, count: 3, out });
      const { images, labels } = generateGlyphs({ seed: 7, count: 3 });
      const x = npy(join(out, "x.npy"));
      expect(x.header).toContain("'<f4', 'fortran_order': False, 'shape': (3, 1, 32, 32)");
      expect(new Float32Array(x.data)).toEqual(images);
      const y = npy(join(out, "y.npy"));
      expect(y.header).toContain("'<i8', 'fortran_order': False, 'shape': (3,)");
      expect(Array.from(new BigInt64Array(y.data), Number)).toEqual(Array.from(labels));
    } finally {
      rmSync(out, { recursive: true });
    }
  });
});

describe("glyphs.onnx", () => {
  it("recognizes images it was not trained on", async () => {
    const { top1 } = await evaluateGlyphs({ seed: TEST_SEED, count: 300 });
    expect(top1).toBeGreaterThan(0.96);
  });
});

function npy(file: string): { header: string; data: ArrayBuffer } {
  const bytes = Uint8Array.from(readFileSync(file));
  const start = 10 + new DataView(bytes.buffer).getUint16(8, true);
  expect(start % 64).toBe(0);
  return { header: new TextDecoder().decode(bytes.subarray(10, start)), data: bytes.slice(start).buffer };
}
