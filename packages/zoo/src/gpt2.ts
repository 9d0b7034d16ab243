import { Net, normal } from "./net.js";
import type { Settings, ZooInput, ZooNetwork } from "./options.js";
import {
  columns,
  embedding,
  geluTanh,
  layerNorm,
  positions,
  reshape,
  scopeOf,
  softmax,
  transpose,
} from "./transformer.js";

const WIDTH = 768;
const HEADS = 12;
const HEAD = WIDTH / HEADS;
const INNER = 3072;
const CONTEXT = 1024;
const EPSILON = 1e-5;

/** What the scores of later tokens become: the most negative float32. */
const MASKED = -3.4028234663852886e38;

/** Conv1D: Gemm on [batch · sequence, inputs]. */
function conv1d(net: Net, path: string, x: string, s: Settings, sizes: readonly [number, number], sd: number): string {
  const scope = scopeOf(path);
  const [inputs, outputs] = sizes;
  const weight = net.weight(`${path}.weight`, [inputs, outputs], columns(net, path, outputs, sd));
  const bias = net.weight(`${path}.bias`, [outputs], normal(0.05));
  const flat = reshape(net, scope, x, [-1, inputs]);
  const y = net.node("Gemm", scope, [flat, weight, bias], { alpha: { f: 1 }, beta: { f: 1 } });
  return reshape(net, scope, y, [s.batch, s.sequence, outputs]);
}

/** The lower triangle of the whole context, cut to the sequence at run time by Slice nodes. */
function causalMask(net: Net, scope: string, table: string, sequence: number): string {
  const cut = (x: string, axis: number) =>
    net.node("Slice", scope, [
      x,
      net.ints(scope, [0]),
      net.ints(scope, [sequence]),
      net.ints(scope, [axis]),
      net.ints(scope, [1]),
    ]);
  return cut(cut(table, 2), 3);
}

function attention(net: Net, path: string, x: string, s: Settings, table: string): string {
  const scope = scopeOf(path);
  const fused = conv1d(net, `${path}.c_attn`, x, s, [WIDTH, 3 * WIDTH], 0.045);
  const split = [fused, net.ints(scope, [WIDTH, WIDTH, WIDTH])];
  const parts = net.nodeOf("Split", scope, split, { axis: { i: 2 } }, 3);
  const heads = parts.map((p) => reshape(net, scope, p, [s.batch, s.sequence, HEADS, HEAD]));
  const query = transpose(net, scope, heads[0]!, [0, 2, 1, 3]);
  const key = transpose(net, scope, heads[1]!, [0, 2, 3, 1]);
  const value = transpose(net, scope, heads[2]!, [0, 2, 1, 3]);
  const scores = net.node("MatMul", scope, [query, key]);
  const scaled = net.node("Div", scope, [scores, net.scalar(scope, Math.sqrt(HEAD))]);
  const mask = causalMask(net, scope, table, s.sequence);
  const masked = net.node("Where", scope, [mask, scaled, net.scalar(scope, MASKED)]);
  const context = net.node("MatMul", scope, [softmax(net, scope, masked), value]);
  const joined = reshape(net, scope, transpose(net, scope, context, [0, 2, 1, 3]), [s.batch, s.sequence, WIDTH]);
  return conv1d(net, `${path}.c_proj`, joined, s, [WIDTH, WIDTH], 0.02);
}

function block(net: Net, path: string, x: string, s: Settings, table: string): string {
  const scope = scopeOf(path);
  const attended = attention(net, `${path}.attn`, layerNorm(net, `${path}.ln_1`, x, WIDTH, EPSILON), s, table);
  const middle = net.node("Add", scope, [attended, x]);
  const normed = layerNorm(net, `${path}.ln_2`, middle, WIDTH, EPSILON);
  const inner = conv1d(net, `${path}.mlp.c_fc`, normed, s, [WIDTH, INNER], 0.04);
  const active = geluTanh(net, scopeOf(`${path}.mlp.act`), inner);
  return net.node("Add", scope, [middle, conv1d(net, `${path}.mlp.c_proj`, active, s, [INNER, WIDTH], 0.01)]);
}

const inputs = ({ batch, sequence, vocabulary }: Settings): ZooInput[] => [
  { name: "input_ids", kind: "tokens", type: "int64", shape: [batch, sequence], limit: vocabulary },
];

function lowerTriangle(): Uint8Array {
  const out = new Uint8Array(CONTEXT * CONTEXT);
  for (let i = 0; i < CONTEXT; i++) out.fill(1, i * CONTEXT, i * CONTEXT + i + 1);
  return out;
}

function build(s: Settings): Uint8Array {
  const net = new Net("main_graph", 13, s.seed);
  const ids = net.input("input_ids", [s.batch, s.sequence], "int64");
  const words = embedding(net, "transformer.wte", ids, s.vocabulary, WIDTH, 0.14);
  const places = embedding(net, "transformer.wpe", positions(net, "/transformer", s.sequence), CONTEXT, WIDTH, 0.05);
  const table = net.tensor("transformer.h.0.attn.bias", [1, 1, CONTEXT, CONTEXT], lowerTriangle());
  let x = net.node("Add", "/transformer", [words, places]);
  for (let l = 0; l < s.layers; l++) x = block(net, `transformer.h.${l}`, x, s, table);
  x = layerNorm(net, "transformer.ln_f", x, WIDTH, EPSILON);
  const tied = net.node("Transpose", "/lm_head", ["transformer.wte.weight"], { perm: { ints: [1, 0] } });
  const logits = net.node("MatMul", "/lm_head", [x, tied]);
  net.output(logits, "logits", [s.batch, s.sequence, s.vocabulary]);
  return net.encode();
}

/** A. Radford et al., 2019, small; as transformers exports it without past keys. The logits' weight is the embedding's. */
export const GPT2: ZooNetwork = {
  name: "gpt2-128",
  description: "GPT-2 small",
  size: { option: "sequence", default: 128, multiple: 1 },
  layers: 12,
  vocabulary: 50257,
  inputs,
  build,
};
