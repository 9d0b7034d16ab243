import { type Make, type Net, normal } from "./net.js";
import { fillNormal } from "./random.js";

/** Trained output channels differ in scale; the logarithm's standard deviation. */
const SPREAD = 0.2;

/** Normal weights [rows, columns] of mean standard deviation `sd`, each column with a scale of its own. */
export function columns(net: Net, name: string, width: number, sd: number): Make {
  return (out, random) => {
    const scales = net.random(`${name}:scale`);
    const scale = Float32Array.from({ length: width }, () => Math.exp(SPREAD * scales.normal()));
    fillNormal(out, random, sd);
    for (let at = 0; at < out.length; at += width) for (let c = 0; c < width; c++) out[at + c]! *= scale[c]!;
  };
}

/** nn.Linear on a tensor of rank 3, as exported: MatMul with the transposed weight, then Add with the bias first. */
export function linear(net: Net, path: string, x: string, inputs: number, outputs: number, sd: number): string {
  const scope = scopeOf(path);
  const weight = net.anonymous("MatMul");
  net.weight(weight, [inputs, outputs], columns(net, path, outputs, sd));
  const bias = net.weight(`${path}.bias`, [outputs], normal(0.05));
  return net.node("Add", scope, [bias, net.node("MatMul", scope, [x, weight])]);
}

/** `encoder.layer.0.attention.self` → `/encoder/layer.0/attention/self`. */
export function scopeOf(path: string): string {
  const parts: string[] = [];
  for (const part of path.split(".")) {
    if (/^\d+$/.test(part)) parts[parts.length - 1] += `.${part}`;
    else parts.push(part);
  }
  return `/${parts.join("/")}`;
}

interface Norm {
  readonly gain: string;
  readonly offset: string;
}

const normWeights = (net: Net, path: string, width: number): Norm => ({
  gain: net.weight(`${path}.weight`, [width], normal(0.1, 1)),
  offset: net.weight(`${path}.bias`, [width], normal(0.05)),
});

const LAST: { readonly axes: { readonly ints: readonly number[] } } = { axes: { ints: [-1] } };

/** Layer norm over the last axis as exporters decompose it below opset 17. */
export function layerNorm(net: Net, path: string, x: string, width: number, epsilon: number): string {
  const scope = scopeOf(path);
  const { gain, offset } = normWeights(net, path, width);
  const centred = net.node("Sub", scope, [x, net.node("ReduceMean", scope, [x], LAST)]);
  const square = net.node("Pow", scope, [centred, net.scalar(scope, 2)]);
  const variance = net.node("ReduceMean", scope, [square], LAST);
  const deviation = net.node("Sqrt", scope, [net.node("Add", scope, [variance, net.scalar(scope, epsilon)])]);
  const normalized = net.node("Div", scope, [centred, deviation]);
  return net.node("Add", scope, [net.node("Mul", scope, [normalized, gain]), offset]);
}

/** Layer norm as the operator of opset 17. */
export function layerNormNode(net: Net, path: string, x: string, width: number, epsilon: number): string {
  const { gain, offset } = normWeights(net, path, width);
  const attributes = { axis: { i: -1 }, epsilon: { f: epsilon } };
  return net.node("LayerNormalization", scopeOf(path), [x, gain, offset], attributes);
}

/** x · ½ · (1 + erf(x / √2)), node by node. */
export function geluErf(net: Net, scope: string, x: string): string {
  const inner = net.node("Div", scope, [x, net.scalar(scope, Math.SQRT2)]);
  const erf = net.node("Erf", scope, [inner]);
  const sum = net.node("Add", scope, [erf, net.scalar(scope, 1)]);
  return net.node("Mul", scope, [net.node("Mul", scope, [x, sum]), net.scalar(scope, 0.5)]);
}

/** ½ · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³))), node by node. */
export function geluTanh(net: Net, scope: string, x: string): string {
  const half = net.node("Mul", scope, [x, net.scalar(scope, 0.5)]);
  const cube = net.node("Pow", scope, [x, net.scalar(scope, 3)]);
  const scaled = net.node("Mul", scope, [cube, net.scalar(scope, 0.044715)]);
  const inner = net.node("Add", scope, [x, scaled]);
  const tanh = net.node("Tanh", scope, [net.node("Mul", scope, [inner, net.scalar(scope, Math.sqrt(2 / Math.PI))])]);
  return net.node("Mul", scope, [half, net.node("Add", scope, [tanh, net.scalar(scope, 1)])]);
}

export const transpose = (net: Net, scope: string, x: string, perm: readonly number[]): string =>
  net.node("Transpose", scope, [x], { perm: { ints: perm } });

export const reshape = (net: Net, scope: string, x: string, shape: readonly number[]): string =>
  net.node("Reshape", scope, [x, net.ints(scope, shape)]);

export const softmax = (net: Net, scope: string, x: string): string =>
  net.node("Softmax", scope, [x], { axis: { i: -1 } });

/** Token ids [batch, sequence] → rows of an embedding. */
export function embedding(net: Net, path: string, ids: string, rows: number, width: number, sd: number): string {
  const table = net.weight(`${path}.weight`, [rows, width], normal(sd));
  return net.node("Gather", scopeOf(path), [table, ids]);
}

/** 0, 1, … as int64 [1, n]. */
export const positions = (net: Net, scope: string, n: number): string =>
  net.constant(scope, { type: "int64", shape: [1, n], data: Array.from({ length: n }, (_, i) => i) });
