import type { Attributes, Net } from "./net.js";
import { fillNormal, type Random } from "./random.js";
import {
  averageSample,
  combine,
  concatSamples,
  convSample,
  imageSample,
  type Moments,
  mapSample,
  maxPoolSample,
  momentsNear,
  momentsOf,
  normalSample,
  type Sample,
  type SampleSize,
  upsampleSample,
} from "./sample.js";

/** A feature map [batch, channels, height, width] and what a few images make of it. */
export interface Act {
  readonly name: string;
  readonly shape: readonly [number, number, number, number];
  readonly sample: Sample;
}

export interface ConvOptions {
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly groups?: number;
  /** Standard deviation of the output's channels (of the batch norm's gain) and how far channels spread around it. */
  readonly gain?: number;
  readonly spread?: number;
  /** Mean of the channels' means. */
  readonly shift?: number;
}

const square = (n: number): readonly [number, number] => [n, n];
const ints = (values: readonly number[]) => ({ ints: [...values] });

function convAttributes(kernel: number, stride: number, groups: number): Attributes {
  const pad = (kernel - 1) >> 1;
  return {
    dilations: ints(square(1)),
    group: { i: groups },
    kernel_shape: ints(square(kernel)),
    pads: ints([pad, pad, pad, pad]),
    strides: ints(square(stride)),
  };
}

interface Weights {
  readonly data: Float32Array;
  readonly shape: readonly number[];
  /** What the convolution without bias gives, and its channels. */
  readonly sample: Sample;
  readonly moments: Moments;
}

/** Share of a trained filter's energy that is one smooth bump over its taps. */
const SMOOTH = 0.5;

/**
 * Gives each plane of taps a common part, as training does: filters add up what neighbours agree on, and average out what
 * they do not, rounding included. Independent taps under batch norm multiply small differences layer after layer.
 */
function smoothTaps(data: Float32Array, kernel: number): void {
  const taps = kernel * kernel;
  if (taps === 1) return;
  const centre = (kernel - 1) / 2;
  const bump = Float32Array.from({ length: taps }, (_, t) => {
    const [y, x] = [Math.floor(t / kernel) - centre, (t % kernel) - centre];
    return Math.exp(-(x * x + y * y) / kernel);
  });
  const norm = Math.sqrt(bump.reduce((a, b) => a + b * b, 0) / taps);
  const [common, own] = [Math.sqrt(SMOOTH) / norm, Math.sqrt(1 - SMOOTH)];
  for (let base = 0; base < data.length; base += taps) {
    const strength = data[base]!;
    for (let t = 0; t < taps; t++) data[base + t] = own * data[base + t]! + common * strength * bump[t]!;
  }
}

/** Normal weights, and what the convolution makes of the channels it reads. */
function convWeights(x: Act, random: Random, { out, kernel, stride = 1, groups = 1 }: ConvOptions): Weights {
  const inner = x.shape[1] / groups;
  const taps = kernel * kernel;
  const shape = [out, inner, kernel, kernel];
  const data = fillNormal(new Float32Array(out * inner * taps), random, Math.sqrt(2 / (inner * taps)));
  smoothTaps(data, kernel);
  const mean = new Float64Array(out);
  const variance = new Float64Array(out);
  const seen = momentsOf(x.sample);
  for (let o = 0, at = 0; o < out; o++) {
    const first = Math.floor((o * groups) / out) * inner;
    for (let i = 0; i < inner; i++)
      for (let t = 0; t < taps; t++, at++) {
        mean[o]! += data[at]! * seen.mean[first + i]!;
        variance[o]! += data[at]! ** 2 * seen.variance[first + i]!;
      }
    variance[o]! += 1e-6;
  }
  const sample = convSample(x.sample, data, new Float32Array(out), { kernel, stride, groups });
  return { data, shape, sample, moments: momentsNear(sample, { mean, variance }) };
}

/** The distribution a trained batch norm gives its channels: log-normal gains, normal offsets. */
function targets(random: Random, { out, gain = 1, spread = 0.3, shift = 0 }: ConvOptions) {
  const sd = Float32Array.from({ length: out }, () => gain * Math.exp(spread * random.normal()));
  const mean = Float32Array.from({ length: out }, () => shift + 0.3 * gain * random.normal());
  return { sd, mean };
}

/** gain · (x − mean) / deviation + offset, channel by channel. */
function batchNorm({ channels, size, data }: Sample, scale: ArrayLike<number>, offset: ArrayLike<number>): Sample {
  const spots = size * size;
  const at = (i: number) => Math.floor(i / spots) % channels;
  return { channels, size, data: data.map((v, i) => scale[at(i)]! * v + offset[at(i)]!) };
}

interface Folded {
  readonly data: Float32Array;
  readonly shape: readonly number[];
  readonly bias: Float32Array;
  readonly sample: Sample;
}

/** Weights and bias that give every channel its target on what the convolution reads. */
function normalized(net: Net, path: string, x: Act, o: ConvOptions): Folded {
  const { data, shape, sample, moments } = convWeights(x, net.random(`${path}.weight`), o);
  const t = targets(net.random(`${path}.bn`), o);
  const taps = data.length / o.out;
  const scale = Float32Array.from(t.sd, (sd, c) => sd / Math.sqrt(moments.variance[c]!));
  const bias = Float32Array.from(t.mean, (m, c) => m - scale[c]! * moments.mean[c]!);
  for (let i = 0; i < data.length; i++) data[i]! *= scale[Math.floor(i / taps)]!;
  return { data, shape, bias, sample: batchNorm(sample, scale, bias) };
}

function outputShape(x: Act, { out, stride = 1 }: ConvOptions): Act["shape"] {
  return [x.shape[0], out, Math.ceil(x.shape[2] / stride), Math.ceil(x.shape[3] / stride)];
}

/** A convolution into which the exporter folded its batch norm. */
export function convFolded(net: Net, scope: string, x: Act, o: ConvOptions): Act {
  return convolution(net, scope, [net.anonymous("Conv"), net.anonymous("Conv")], x, normalized(net, scope, x, o), o);
}

/** A convolution with a bias and no batch norm. */
export function convBias(net: Net, scope: string, path: string, x: Act, o: ConvOptions): Act {
  return convolution(net, scope, [`${path}.weight`, `${path}.bias`], x, normalized(net, path, x, o), o);
}

function convolution(
  net: Net,
  scope: string,
  names: readonly [string, string],
  x: Act,
  f: Folded,
  o: ConvOptions,
): Act {
  net.tensor(names[0], f.shape, f.data);
  net.tensor(names[1], [o.out], f.bias);
  const attributes = convAttributes(o.kernel, o.stride ?? 1, o.groups ?? 1);
  const name = net.node("Conv", scope, [x.name, ...names], attributes);
  return { name, shape: outputShape(x, o), sample: f.sample };
}

const EPSILON = 1e-5;

/** A convolution without bias and its batch norm as a node of its own. */
export function convBatchNorm(net: Net, scope: string, path: string, x: Act, o: ConvOptions): Act {
  const w = convWeights(x, net.random(`${path}.weight`), o);
  const random = net.random(`${path}.bn`);
  const t = targets(random, o);
  const tensor = (name: string, data: Float32Array) => net.tensor(`${path}.${name}`, [o.out], data);
  const weight = net.tensor(`${path}.conv.weight`, w.shape, w.data);
  const attributes = convAttributes(o.kernel, o.stride ?? 1, o.groups ?? 1);
  const y = net.node("Conv", `${scope}/conv`, [x.name, weight], attributes);
  const { mean: m, variance: v } = w.moments;
  const variance = Float32Array.from(v, (x) => x * Math.exp(0.1 * random.normal()));
  const mean = Float32Array.from(m, (x, c) => x + 0.1 * Math.sqrt(v[c]!) * random.normal());
  const scale = t.sd.map((sd, c) => sd / Math.sqrt(variance[c]! + EPSILON));
  const offset = t.mean.map((b, c) => b - scale[c]! * mean[c]!);
  const inputs = [
    y,
    tensor("bn.weight", t.sd),
    tensor("bn.bias", t.mean),
    tensor("bn.running_mean", mean),
    tensor("bn.running_var", variance),
  ];
  const name = net.node("BatchNormalization", `${scope}/bn`, inputs, { epsilon: { f: EPSILON }, momentum: { f: 0.9 } });
  return { name, shape: outputShape(x, o), sample: batchNorm(w.sample, scale, offset) };
}

/** An image input; `map` takes normalized images to what the network expects. */
export const imageInput = (
  net: Net,
  name: string,
  batch: number,
  resolution: number,
  statistics: SampleSize,
  map: (x: number) => number = (x) => x,
): Act => ({
  name: net.input(name, [batch, 3, resolution, resolution]),
  shape: [batch, 3, resolution, resolution],
  sample: imageSample(net.seed, statistics, map),
});

export const relu = (net: Net, scope: string, x: Act): Act => ({
  ...x,
  name: net.node("Relu", scope, [x.name]),
  sample: mapSample(x.sample, (v) => Math.max(v, 0)),
});

export const leakyRelu = (net: Net, scope: string, x: Act, alpha: number): Act => ({
  ...x,
  name: net.node("LeakyRelu", scope, [x.name], { alpha: { f: alpha } }),
  sample: mapSample(x.sample, (v) => (v < 0 ? alpha * v : v)),
});

/** ReLU6 as Clip with its bounds in Constant nodes. */
export const relu6 = (net: Net, scope: string, x: Act): Act => ({
  ...x,
  name: net.node("Clip", scope, [x.name, net.scalar(scope, 0), net.scalar(scope, 6)]),
  sample: mapSample(x.sample, (v) => Math.min(Math.max(v, 0), 6)),
});

const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));

/** x · sigmoid(x). */
export const silu = (net: Net, scope: string, x: Act): Act => ({
  ...x,
  name: net.node("Mul", scope, [x.name, net.node("Sigmoid", scope, [x.name])]),
  sample: mapSample(x.sample, (v) => v * sigmoid(v)),
});

export const add = (net: Net, scope: string, a: Act, b: Act): Act => ({
  ...a,
  name: net.node("Add", scope, [a.name, b.name]),
  sample: combine(a.sample, b.sample, (u, v) => u + v),
});

/** gate is [batch, channels, 1, 1] before its sigmoid. */
export function gated(net: Net, scope: string, gate: Act, x: Act): Act {
  const open = net.node("Sigmoid", `${scope}/scale_activation`, [gate.name]);
  const sample = combine(x.sample, gate.sample, (v, g) => v * sigmoid(g));
  return { ...x, name: net.node("Mul", scope, [open, x.name]), sample };
}

export function concat(net: Net, scope: string, parts: readonly Act[]): Act {
  const [batch, , height, width] = parts[0]!.shape;
  const channels = parts.reduce((n, p) => n + p.shape[1], 0);
  const name = net.node(
    "Concat",
    scope,
    parts.map((p) => p.name),
    { axis: { i: 1 } },
  );
  return { name, shape: [batch, channels, height, width], sample: concatSamples(parts.map((p) => p.sample)) };
}

export function maxPool(net: Net, scope: string, x: Act, kernel: number, stride: number, pad: number): Act {
  const name = net.node("MaxPool", scope, [x.name], {
    ceil_mode: { i: 0 },
    kernel_shape: ints(square(kernel)),
    pads: ints([pad, pad, pad, pad]),
    strides: ints(square(stride)),
  });
  const size = (n: number) => Math.floor((n + 2 * pad - kernel) / stride) + 1;
  const [batch, channels, height, width] = x.shape;
  return {
    name,
    shape: [batch, channels, size(height), size(width)],
    sample: maxPoolSample(x.sample, kernel, stride, pad),
  };
}

export function globalAveragePool(net: Net, scope: string, x: Act): Act {
  const name = net.node("GlobalAveragePool", scope, [x.name]);
  return { name, shape: [x.shape[0], x.shape[1], 1, 1], sample: averageSample(x.sample) };
}

/** Nearest-neighbour upsampling by 2 as Resize. */
export function upsample2(net: Net, scope: string, x: Act): Act {
  const scales = net.constant(scope, { shape: [4], data: [1, 1, 2, 2] });
  const name = net.node("Resize", scope, [x.name, "", scales], {
    coordinate_transformation_mode: { s: "asymmetric" },
    cubic_coeff_a: { f: -0.75 },
    mode: { s: "nearest" },
    nearest_mode: { s: "floor" },
  });
  const [batch, channels, height, width] = x.shape;
  return { name, shape: [batch, channels, 2 * height, 2 * width], sample: upsampleSample(x.sample) };
}

/** Features [batch, channels·height·width]; shape and sample are still those of the map. */
export function flatten(net: Net, scope: string, x: Act): Act {
  return { ...x, name: net.node("Flatten", scope, [x.name], { axis: { i: 1 } }) };
}

/**
 * A dense layer on a flattened map, written as Gemm with a transposed weight. Its bias removes what the inputs' means
 * contribute, so that outputs have mean 0 and standard deviation `gain`.
 */
export function dense(net: Net, scope: string, path: string, x: Act, out: number, gain: number): Act {
  const [batch, channels, height, width] = x.shape;
  const spots = height * width;
  const features = channels * spots;
  const seen = momentsOf(x.sample);
  const images = x.sample.data.length / (x.sample.channels * x.sample.size ** 2);
  const power = spots * seen.variance.reduce((a, b) => a + b, 0);
  const sd = gain / Math.sqrt(power);
  const name = `${path}.weight`;
  const bias = (data: Float32Array, random: Random) => {
    const rows = net.random(name);
    const row = new Float32Array(features);
    for (let o = 0; o < out; o++) {
      fillNormal(row, rows, sd);
      let sum = 0;
      for (let i = 0; i < features; i++) sum += row[i]! * seen.mean[Math.floor(i / spots)]!;
      data[o] = 0.1 * gain * random.normal() - sum;
    }
  };
  const inputs = [
    x.name,
    net.weight(name, [out, features], (data, random) => {
      for (let o = 0; o < out; o++) fillNormal(data.subarray(o * features, (o + 1) * features), random, sd);
    }),
    net.weight(`${path}.bias`, [out], bias),
  ];
  const y = net.node("Gemm", scope, inputs, { alpha: { f: 1 }, beta: { f: 1 }, transB: { i: 1 } });
  return { name: y, shape: [batch, out, 1, 1], sample: normalSample(images, out, gain, net.random(`${path}.sample`)) };
}
