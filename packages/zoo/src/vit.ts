import { Net, normal } from "./net.js";
import type { Settings, ZooNetwork } from "./options.js";
import { geluErf, layerNormNode, linear, reshape, scopeOf, softmax, transpose } from "./transformer.js";

const WIDTH = 768;
const HEADS = 12;
const HEAD = WIDTH / HEADS;
const INNER = 3072;
const PATCH = 16;
const CLASSES = 1000;
const EPSILON = 1e-6;

/** [batch, 1 + patches, width]: patches by a convolution, before them the class token, plus positions. */
function embed(net: Net, image: string, batch: number, patches: number): string {
  const weight = net.weight("patch_embed.proj.weight", [WIDTH, 3, PATCH, PATCH], normal(0.02));
  const bias = net.weight("patch_embed.proj.bias", [WIDTH], normal(0.1));
  const square = { ints: [PATCH, PATCH] };
  const map = net.node("Conv", "/patch_embed/proj", [image, weight, bias], {
    dilations: { ints: [1, 1] },
    group: { i: 1 },
    kernel_shape: square,
    pads: { ints: [0, 0, 0, 0] },
    strides: square,
  });
  const tokens = transpose(net, "/patch_embed", reshape(net, "/patch_embed", map, [batch, WIDTH, patches]), [0, 2, 1]);
  const token = net.weight("cls_token", [1, 1, WIDTH], normal(0.3));
  const first = net.node("Expand", "", [token, net.ints("", [batch, 1, WIDTH])]);
  const all = net.node("Concat", "", [first, tokens], { axis: { i: 1 } });
  return net.node("Add", "", [all, net.weight("pos_embed", [1, patches + 1, WIDTH], normal(0.3))]);
}

function attention(net: Net, path: string, x: string, batch: number, tokens: number): string {
  const scope = scopeOf(path);
  const fused = linear(net, `${path}.qkv`, x, WIDTH, 3 * WIDTH, 0.04);
  const split = transpose(net, scope, reshape(net, scope, fused, [batch, tokens, 3, HEADS, HEAD]), [2, 0, 3, 1, 4]);
  const part = (i: number) => {
    const index = net.constant(scope, { type: "int64", shape: [], data: [i] });
    return net.node("Gather", scope, [split, index], { axis: { i: 0 } });
  };
  const [query, key, value] = [part(0), part(1), part(2)];
  const scaled = net.node("Mul", scope, [query, net.scalar(scope, 1 / Math.sqrt(HEAD))]);
  const scores = net.node("MatMul", scope, [scaled, transpose(net, scope, key, [0, 1, 3, 2])]);
  const context = net.node("MatMul", scope, [softmax(net, scope, scores), value]);
  const joined = reshape(net, scope, transpose(net, scope, context, [0, 2, 1, 3]), [batch, tokens, WIDTH]);
  return linear(net, `${path}.proj`, joined, WIDTH, WIDTH, 0.03);
}

function block(net: Net, path: string, x: string, batch: number, tokens: number): string {
  const scope = scopeOf(path);
  const normed = layerNormNode(net, `${path}.norm1`, x, WIDTH, EPSILON);
  const middle = net.node("Add", scope, [x, attention(net, `${path}.attn`, normed, batch, tokens)]);
  const again = layerNormNode(net, `${path}.norm2`, middle, WIDTH, EPSILON);
  const inner = geluErf(net, scopeOf(`${path}.mlp.act`), linear(net, `${path}.mlp.fc1`, again, WIDTH, INNER, 0.035));
  return net.node("Add", scope, [middle, linear(net, `${path}.mlp.fc2`, inner, INNER, WIDTH, 0.012)]);
}

function build({ batch, resolution, seed, layers }: Settings): Uint8Array {
  const net = new Net("main_graph", 17, seed);
  const image = net.input("input", [batch, 3, resolution, resolution]);
  const patches = (resolution / PATCH) ** 2;
  let x = embed(net, image, batch, patches);
  for (let l = 0; l < layers; l++) x = block(net, `blocks.${l}`, x, batch, patches + 1);
  x = layerNormNode(net, "norm", x, WIDTH, EPSILON);
  const first = net.constant("", { type: "int64", shape: [], data: [0] });
  const token = net.node("Gather", "", [x, first], { axis: { i: 1 } });
  const weight = net.weight("head.weight", [CLASSES, WIDTH], normal(0.09));
  const bias = net.weight("head.bias", [CLASSES], normal(0.1));
  const gemm = { alpha: { f: 1 }, beta: { f: 1 }, transB: { i: 1 } };
  net.output(net.node("Gemm", "/head", [token, weight, bias], gemm), "output", [batch, CLASSES]);
  return net.encode();
}

/** A. Dosovitskiy et al., 2020, base with patches of 16; timm's form at opset 17. */
export const VIT_B16: ZooNetwork = {
  name: "vit-b16",
  description: "ViT-B/16",
  size: { option: "resolution", default: 224, multiple: PATCH },
  layers: 12,
  inputs: ({ batch, resolution }) => [
    { name: "input", kind: "image", type: "float32", shape: [batch, 3, resolution, resolution] },
  ],
  build,
};
