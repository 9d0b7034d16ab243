import { Net, normal } from "./net.js";
import type { Settings, ZooInput, ZooNetwork } from "./options.js";
import { embedding, geluErf, layerNorm, linear, positions, scopeOf, softmax, transpose } from "./transformer.js";

const WIDTH = 768;
const HEADS = 12;
const HEAD = WIDTH / HEADS;
const INNER = 3072;
const POSITIONS = 512;
const EPSILON = 1e-12;

/** The most negative float32: what the mask adds where a token does not count. */
const MASKED = -3.4028234663852886e38;

/** Extent `axis` of x, as a graph with dynamic axes computes it. */
function extent(net: Net, scope: string, x: string, axis: number): string {
  const index = net.constant(scope, { type: "int64", shape: [], data: [axis] });
  const size = net.node("Gather", scope, [net.node("Shape", scope, [x]), index], { axis: { i: 0 } });
  return net.node("Unsqueeze", scope, [size, net.ints(scope, [0])]);
}

/** x.view(batch, sequence, ...tail). */
function view(net: Net, scope: string, x: string, tail: readonly number[]): string {
  const sizes = [extent(net, scope, x, 0), extent(net, scope, x, 1), ...tail.map((n) => net.ints(scope, [n]))];
  return net.node("Reshape", scope, [x, net.node("Concat", scope, sizes, { axis: { i: 0 } })]);
}

function selfAttention(net: Net, path: string, x: string, mask: string | undefined): string {
  const scope = scopeOf(path);
  const project = (part: string, sd: number, perm: readonly number[]) => {
    const y = linear(net, `${path}.${part}`, x, WIDTH, WIDTH, sd);
    return transpose(net, scope, view(net, scope, y, [HEADS, HEAD]), perm);
  };
  const query = project("query", 0.042, [0, 2, 1, 3]);
  const key = project("key", 0.042, [0, 2, 3, 1]);
  const value = project("value", 0.034, [0, 2, 1, 3]);
  const scores = net.node("MatMul", scope, [query, key]);
  const scaled = net.node("Div", scope, [scores, net.scalar(scope, Math.sqrt(HEAD))]);
  const weights = softmax(net, scope, mask === undefined ? scaled : net.node("Add", scope, [scaled, mask]));
  const context = transpose(net, scope, net.node("MatMul", scope, [weights, value]), [0, 2, 1, 3]);
  return view(net, scope, context, [WIDTH]);
}

function layer(net: Net, path: string, x: string, mask: string | undefined): string {
  const context = selfAttention(net, `${path}.attention.self`, x, mask);
  const out = `${path}.attention.output`;
  const projected = linear(net, `${out}.dense`, context, WIDTH, WIDTH, 0.04);
  const attended = net.node("Add", scopeOf(out), [projected, x]);
  const normed = layerNorm(net, `${out}.LayerNorm`, attended, WIDTH, EPSILON);
  const inner = linear(net, `${path}.intermediate.dense`, normed, WIDTH, INNER, 0.04);
  const active = geluErf(net, scopeOf(`${path}.intermediate.intermediate_act_fn`), inner);
  const dense = linear(net, `${path}.output.dense`, active, INNER, WIDTH, 0.03);
  const sum = net.node("Add", scopeOf(`${path}.output`), [dense, normed]);
  return layerNorm(net, `${path}.output.LayerNorm`, sum, WIDTH, EPSILON);
}

function embeddings(net: Net, s: Settings, ids: string, segments: string): string {
  const path = "embeddings";
  const words = embedding(net, `${path}.word_embeddings`, ids, s.vocabulary, WIDTH, 0.045);
  const types = embedding(net, `${path}.token_type_embeddings`, segments, 2, WIDTH, 0.02);
  const ordinals = positions(net, scopeOf(path), s.sequence);
  const places = embedding(net, `${path}.position_embeddings`, ordinals, POSITIONS, WIDTH, 0.025);
  const typed = net.node("Add", scopeOf(path), [words, types]);
  const sum = net.node("Add", scopeOf(path), [typed, places]);
  return layerNorm(net, `${path}.LayerNorm`, sum, WIDTH, EPSILON);
}

/** [batch, sequence] of 0 and 1 → [batch, 1, 1, sequence] of what is added to the scores. */
function additiveMask(net: Net, mask: string): string {
  const wide = net.node("Unsqueeze", "", [mask, net.ints("", [1])]);
  const wider = net.node("Unsqueeze", "", [wide, net.ints("", [2])]);
  const numbers = net.node("Cast", "", [wider], { to: { i: 1 } });
  const off = net.node("Sub", "", [net.scalar("", 1), numbers]);
  return net.node("Mul", "", [off, net.scalar("", MASKED)]);
}

/** The first token through a dense layer and tanh. */
function pooler(net: Net, x: string): string {
  const first = net.constant("/pooler", { type: "int64", shape: [], data: [0] });
  const token = net.node("Gather", "/pooler", [x, first], { axis: { i: 1 } });
  const weight = net.weight("pooler.dense.weight", [WIDTH, WIDTH], normal(0.03));
  const bias = net.weight("pooler.dense.bias", [WIDTH], normal(0.05));
  const attributes = { alpha: { f: 1 }, beta: { f: 1 }, transB: { i: 1 } };
  const dense = net.node("Gemm", "/pooler/dense", [token, weight, bias], attributes);
  return net.node("Tanh", "/pooler/activation", [dense]);
}

function inputs({ batch, sequence, vocabulary, attentionMask }: Settings): ZooInput[] {
  const shape = [batch, sequence];
  return [
    { name: "input_ids", kind: "tokens", type: "int64", shape, limit: vocabulary },
    ...(attentionMask ? [{ name: "attention_mask", kind: "mask", type: "int64", shape } as const] : []),
    { name: "token_type_ids", kind: "segments", type: "int64", shape },
  ];
}

function build(s: Settings): Uint8Array {
  const net = new Net("main_graph", 14, s.seed);
  for (const i of inputs(s)) net.input(i.name, i.shape, i.type);
  const mask = s.attentionMask ? additiveMask(net, "attention_mask") : undefined;
  let x = embeddings(net, s, "input_ids", "token_type_ids");
  for (let l = 0; l < s.layers; l++) x = layer(net, `encoder.layer.${l}`, x, mask);
  const pooled = pooler(net, x);
  net.output(x, "last_hidden_state", [s.batch, s.sequence, WIDTH]);
  net.output(pooled, "pooler_output", [s.batch, WIDTH]);
  return net.encode();
}

/** J. Devlin et al., 2018, base; as transformers exports it with dynamic axes at opset 14, here with static inputs. */
export const BERT_BASE: ZooNetwork = {
  name: "bert-base-128",
  description: "BERT-base",
  size: { option: "sequence", default: 128, multiple: 1 },
  layers: 12,
  vocabulary: 30522,
  inputs,
  build,
};
