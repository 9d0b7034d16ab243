/** Coordinates and weights of Resize along one axis; equations as in the ONNX operator's text. */

export type Coordinates =
  | "half_pixel"
  | "half_pixel_symmetric"
  | "pytorch_half_pixel"
  | "align_corners"
  | "asymmetric"
  | "tf_half_pixel_for_nn"
  | "tf_crop_and_resize";
export type Nearest = "round_prefer_floor" | "round_prefer_ceil" | "floor" | "ceil";

export interface AxisResize {
  readonly size: number;
  readonly resized: number;
  readonly scale: number;
  readonly coordinates: Coordinates;
  /** Start and end of the region, for tf_crop_and_resize. */
  readonly region: readonly [number, number];
}

/** Where output position `i` lies on the input's axis; extents of the output count unrounded, as scale · size. */
export function sourceOf(a: AxisResize, i: number): number {
  const { size, resized, scale } = a;
  switch (a.coordinates) {
    case "half_pixel":
      return (i + 0.5) / scale - 0.5;
    case "pytorch_half_pixel":
      return resized > 1 ? (i + 0.5) / scale - 0.5 : 0;
    case "half_pixel_symmetric": {
      const adjustment = resized / (scale * size);
      return (size / 2) * (1 - adjustment) + (i + 0.5) / scale - 0.5;
    }
    case "align_corners":
      return resized > 1 ? (i * (size - 1)) / (scale * size - 1) : 0;
    case "asymmetric":
      return i / scale;
    case "tf_half_pixel_for_nn":
      return (i + 0.5) / scale;
    case "tf_crop_and_resize": {
      const [start, end] = a.region;
      if (resized === 1) return 0.5 * (start + end) * (size - 1);
      return start * (size - 1) + (i * (end - start) * (size - 1)) / (scale * size - 1);
    }
  }
}

const ROUNDED: Readonly<Record<Nearest, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

const clamp = (i: number, size: number): number => Math.min(Math.max(i, 0), size - 1);

export const nearestIndex = (x: number, mode: Nearest, size: number): number => clamp(ROUNDED[mode](x), size);

export interface Interpolation {
  readonly kind: "linear" | "cubic";
  /** The cubic's coefficient. */
  readonly a: number;
  readonly antialias: boolean;
  readonly excludeOutside: boolean;
}

/** The cubic convolution kernel of Keys. */
function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
  if (x < 2) return a * x ** 3 - 5 * a * x ** 2 + 8 * a * x - 4 * a;
  return 0;
}

const triangle = (distance: number): number => Math.max(0, 1 - Math.abs(distance));

/** Input positions and weights that make output positions; all lists have one length, tap by tap. */
export interface Taps {
  readonly indices: readonly (readonly number[])[];
  readonly weights: readonly (readonly number[])[];
}

/** Neighbours of x and their weights; with antialias, downscaling widens the kernel. */
function neighbours(x: number, size: number, scale: number, p: Interpolation): [number[], number[]] {
  const shrink = p.antialias ? Math.min(scale, 1) : 1;
  const half = p.kind === "linear" ? 1 : 2;
  const first = Math.floor(-half / shrink) + 1;
  const count = 2 * (1 - first);
  const base = Number.isInteger(x) ? x - 1 : Math.floor(x);
  const at = Array.from({ length: count }, (_, i) => base + first + i);
  const weigh = (i: number): number => {
    const d = (i - x) * shrink;
    return p.kind === "linear" ? triangle(d) : cubic(d, p.a);
  };
  const inside = (i: number): boolean => i >= 0 && i < size;
  const raw = at.map((i) => (p.excludeOutside && !inside(i) ? 0 : weigh(i)));
  const normalize = p.excludeOutside || p.antialias;
  const sum = normalize ? raw.reduce((s, w) => s + w, 0) : 1;
  return [at.map((i) => clamp(i, size)), raw.map((w) => w / sum)];
}

/** The taps of every output position along an axis; those that never count are left out. */
export function interpolationTaps(a: AxisResize, p: Interpolation): Taps {
  const rows = Array.from({ length: a.resized }, (_, i) => neighbours(sourceOf(a, i), a.size, a.scale, p));
  const count = Math.max(0, ...rows.map(([at]) => at.length));
  const used = Array.from({ length: count }, (_, k) => k).filter((k) => rows.some(([, w]) => w[k] !== 0));
  return {
    indices: used.map((k) => rows.map(([at]) => at[k]!)),
    weights: used.map((k) => rows.map(([, w]) => w[k]!)),
  };
}

/** Output positions that lie beyond the input: tf_crop_and_resize extrapolates there. */
export const beyond = (a: AxisResize): boolean[] =>
  Array.from({ length: a.resized }, (_, i) => {
    const x = sourceOf(a, i);
    return x < 0 || x > a.size - 1;
  });
