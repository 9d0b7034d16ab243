// @ts-check
import { createRandom } from "./random.mjs";
import { SHAPES } from "./shapes.mjs";

/** @typedef {import("./random.mjs").Random} Random */
/** @typedef {{ readonly x: number, readonly y: number }} Point */
/** @typedef {readonly Point[]} Polyline */
/** @typedef {(p: Point) => Point} Warp */

export const SIZE = 32;
const PIXELS = SIZE * SIZE;
const STEPS_PER_CURVE = 10;
const STEPS_PER_LINE = 4;
const LATTICE = 5;

/**
 * Flattens the strokes of a path; every control point moves by up to `wobble` units, as handwriting does.
 *
 * @param {string} path see shapes.mjs
 * @param {number} wobble
 * @param {Random} random
 * @returns {Polyline[]}
 */
function flatten(path, wobble, random) {
  const tokens = path.split(" ");
  let at = 0;
  const number = () => Number(tokens[at++]) + random.between(-wobble, wobble);
  const point = () => ({ x: number(), y: number() });
  /** @type {Point[][]} */
  const strokes = [];
  while (at < tokens.length) {
    const command = tokens[at++];
    if (command === "M") {
      strokes.push([point()]);
      continue;
    }
    const stroke = strokes[strokes.length - 1];
    const from = stroke[stroke.length - 1];
    if (command === "L") stroke.push(...line(from, point()));
    else if (command === "C") stroke.push(...cubic(from, point(), point(), point()));
    else throw new Error(`unknown path command ${command}`);
  }
  return strokes;
}

/** @type {(a: Point, b: Point) => Point[]} */
function line(a, b) {
  return Array.from({ length: STEPS_PER_LINE }, (_, i) => {
    const t = (i + 1) / STEPS_PER_LINE;
    return { x: a.x + t * (b.x - a.x), y: a.y + t * (b.y - a.y) };
  });
}

/** @type {(a: Point, b: Point, c: Point, d: Point) => Point[]} */
function cubic(a, b, c, d) {
  return Array.from({ length: STEPS_PER_CURVE }, (_, i) => {
    const t = (i + 1) / STEPS_PER_CURVE;
    const u = 1 - t;
    const [wa, wb, wc, wd] = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
    return { x: wa * a.x + wb * b.x + wc * c.x + wd * d.x, y: wa * a.y + wb * b.y + wc * c.y + wd * d.y };
  });
}

/**
 * From the shape's 100 x 100 box to pixels: scale, aspect, shear, rotation about the centre, shift.
 * The rotation is given by t = tan(angle / 2): cos = (1 - t²) / (1 + t²), sin = 2t / (1 + t²); |t| <= 0.2 is 22.6 degrees.
 *
 * @param {Random} random
 * @returns {Warp}
 */
function affine(random) {
  const height = random.between(17, 26) / 100;
  const width = height * random.between(0.7, 1.15);
  const shear = random.between(-0.3, 0.3);
  const t = random.between(-0.2, 0.2);
  const cos = (1 - t * t) / (1 + t * t);
  const sin = (2 * t) / (1 + t * t);
  const slack = Math.max(1, 16 - 55 * height);
  const cx = SIZE / 2 + random.between(-slack, slack);
  const cy = SIZE / 2 + random.between(-slack, slack);
  return ({ x, y }) => {
    const v = (y - 50) * height;
    const u = (x - 50) * width + shear * v;
    return { x: cx + cos * u - sin * v, y: cy + sin * u + cos * v };
  };
}

/**
 * Elastic distortion: a lattice of random displacements in pixels, smoothly interpolated over the image.
 *
 * @param {Random} random
 * @returns {Warp}
 */
function elastic(random) {
  const strength = random.between(0, 2);
  const dx = Array.from({ length: LATTICE * LATTICE }, () => random.between(-strength, strength));
  const dy = Array.from({ length: LATTICE * LATTICE }, () => random.between(-strength, strength));
  /** @param {number} v */
  const cell = (v) => {
    const scaled = Math.min(Math.max((v * (LATTICE - 1)) / SIZE, 0), LATTICE - 1);
    const index = Math.min(Math.floor(scaled), LATTICE - 2);
    const f = scaled - index;
    return { index, f: f * f * (3 - 2 * f) };
  };
  return ({ x, y }) => {
    const column = cell(x);
    const row = cell(y);
    /** @param {readonly number[]} d */
    const at = (d) => {
      const i = row.index * LATTICE + column.index;
      const top = d[i] + column.f * (d[i + 1] - d[i]);
      const bottom = d[i + LATTICE] + column.f * (d[i + LATTICE + 1] - d[i + LATTICE]);
      return top + row.f * (bottom - top);
    };
    return { x: x + at(dx), y: y + at(dy) };
  };
}

/**
 * Covers pixels within half a stroke width of the segment a-b, with a one-pixel soft edge; the larger coverage stays.
 *
 * @param {Float64Array} ink coverage per pixel, 0..1
 * @param {Point} a
 * @param {Point} b
 * @param {number} width pixels
 */
function coverSegment(ink, a, b, width) {
  const reach = width / 2 + 0.5;
  const [vx, vy] = [b.x - a.x, b.y - a.y];
  const lengthSquared = vx * vx + vy * vy;
  const x0 = Math.max(0, Math.floor(Math.min(a.x, b.x) - reach));
  const x1 = Math.min(SIZE - 1, Math.ceil(Math.max(a.x, b.x) + reach));
  const y0 = Math.max(0, Math.floor(Math.min(a.y, b.y) - reach));
  const y1 = Math.min(SIZE - 1, Math.ceil(Math.max(a.y, b.y) + reach));
  for (let y = y0; y <= y1; y++) {
    for (let x = x0; x <= x1; x++) {
      const [px, py] = [x + 0.5 - a.x, y + 0.5 - a.y];
      const t = lengthSquared === 0 ? 0 : Math.min(1, Math.max(0, (px * vx + py * vy) / lengthSquared));
      const [ex, ey] = [px - t * vx, py - t * vy];
      const coverage = Math.min(1, reach - Math.sqrt(ex * ex + ey * ey));
      if (coverage > ink[y * SIZE + x]) ink[y * SIZE + x] = coverage;
    }
  }
}

/** @type {(strokes: readonly Polyline[], width: number) => Float64Array} */
function inkOf(strokes, width) {
  const ink = new Float64Array(PIXELS);
  for (const stroke of strokes) {
    for (let i = 1; i < stroke.length; i++) coverSegment(ink, stroke[i - 1], stroke[i], width);
  }
  return ink;
}

/** @type {(image: Float64Array, ink: Float64Array, shade: number) => void} */
function blend(image, ink, shade) {
  for (let i = 0; i < PIXELS; i++) image[i] += ink[i] * (shade - image[i]);
}

/**
 * A plain gradient behind everything.
 *
 * @param {number} shade
 * @param {Random} random
 */
function background(shade, random) {
  const image = new Float64Array(PIXELS);
  const [gx, gy] = [random.between(-0.2, 0.2), random.between(-0.2, 0.2)];
  for (let i = 0; i < PIXELS; i++) {
    image[i] = shade + gx * ((i % SIZE) / SIZE - 0.5) + gy * (Math.floor(i / SIZE) / SIZE - 0.5);
  }
  return image;
}

/** @type {(image: Float64Array, random: Random) => void} */
function scratch(image, random) {
  const end = () => ({ x: random.between(0, SIZE), y: random.between(0, SIZE) });
  const stroke = [end(), ...cubic(end(), end(), end(), end())].slice(1);
  blend(image, inkOf([stroke], random.between(0.5, 1.3)), random.unit());
}

/** @type {(image: Float64Array, random: Random) => void} */
function occlude(image, random) {
  const [width, height] = [3 + random.below(5), 3 + random.below(5)];
  const [left, top] = [random.below(SIZE - width), random.below(SIZE - height)];
  const shade = random.unit();
  for (let y = top; y < top + height; y++) image.fill(shade, y * SIZE + left, y * SIZE + left + width);
}

/**
 * One pass of the separable kernel [b, 1 - 2b, b], edges repeated.
 *
 * @param {Float64Array} image
 * @param {number} b
 */
function blur(image, b) {
  for (const step of [1, SIZE]) {
    const source = image.slice();
    for (let i = 0; i < PIXELS; i++) {
      const position = step === 1 ? i % SIZE : Math.floor(i / SIZE);
      const before = position === 0 ? i : i - step;
      const after = position === SIZE - 1 ? i : i + step;
      image[i] = (1 - 2 * b) * source[i] + b * (source[before] + source[after]);
    }
  }
}

/**
 * Draws one image of a class.
 *
 * @param {number} label row of SHAPES
 * @param {Random} random
 * @returns {Uint8Array} SIZE x SIZE grey levels, row by row
 */
export function drawGlyph(label, random) {
  const place = affine(random);
  const bend = elastic(random);
  const strokes = flatten(SHAPES[label].path, 4, random).map((stroke) => stroke.map((p) => bend(place(p))));
  const contrast = random.between(0.3, 0.85);
  const dark = random.between(0, 1 - contrast);
  const inverted = random.unit() < 0.5;
  const image = background(inverted ? dark + contrast : dark, random);
  blend(image, inkOf(strokes, random.between(1.3, 3.2)), inverted ? dark : dark + contrast);
  if (random.unit() < 0.4) scratch(image, random);
  if (random.unit() < 0.4) occlude(image, random);
  for (let n = random.below(3); n > 0; n--) blur(image, random.between(0.05, 0.28));
  const noise = random.between(0.01, 0.11);
  return Uint8Array.from(image, (v) => Math.floor(Math.min(1, Math.max(0, v + noise * random.normal())) * 255 + 0.5));
}

/**
 * Labels of the images `20 k .. 20 k + 19`: each class once, in random order.
 *
 * @param {number} seed
 * @param {number} group k
 */
function labelsOfGroup(seed, group) {
  const random = createRandom(seed, -1 - group);
  const labels = SHAPES.map((_, i) => i);
  for (let i = labels.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [labels[i], labels[j]] = [labels[j], labels[i]];
  }
  return labels;
}

/**
 * Draws labelled images. Image i depends on `seed` (taken modulo 2^32) and i alone: a larger `count` only appends.
 * Pixels are 8-bit grey levels g, normalized to (g - 127.5) / 63.75, hence within [-2, 2].
 *
 * @param {{ readonly seed: number, readonly count: number }} options
 * @returns {{ images: Float32Array, labels: Int32Array, shape: [number, number, number, number] }}
 *   `images` has shape (count, 1, 32, 32); `labels` are rows of SHAPES, each class equally often per 20 images
 */
export function generateGlyphs({ seed, count }) {
  const images = new Float32Array(count * PIXELS);
  const labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    if (i % SHAPES.length === 0) {
      const group = labelsOfGroup(seed, i / SHAPES.length);
      labels.set(group.slice(0, count - i), i);
    }
    const grey = drawGlyph(labels[i], createRandom(seed, i));
    for (let p = 0; p < PIXELS; p++) images[i * PIXELS + p] = (grey[p] - 127.5) / 63.75;
  }
  return { images, labels, shape: [count, 1, SIZE, SIZE] };
}
