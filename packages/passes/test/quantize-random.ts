import { elements, type Graph, type ValueId } from "@accelc/ir";
import { Network, random } from "./quantize-support.js";

/** Two heads of 32 over the pixels of `x`, a rectifier for the softmax, and a projection of what they make. */
function attention(net: Network, x: ValueId): ValueId {
  const [, c, h, w] = net.shape(x) as [number, number, number, number];
  const tokens = h * w;
  const rows = net.add("transpose", [net.add("reshape", [x], { shape: [1, c, tokens] })], { perm: [0, 2, 1] });
  const project = (v: ValueId, from: number, to: number) =>
    net.add("matmul", [v, net.constant([from, to], 1 / Math.sqrt(from))], {});
  const heads = (perm: readonly number[]) => {
    const split = net.add("reshape", [project(rows, c, 64)], { shape: [1, tokens, 2, 32] });
    return net.add("transpose", [split], { perm });
  };
  const scores = net.add("relu", [net.add("matmul", [heads([0, 2, 1, 3]), heads([0, 2, 3, 1])], {})], {});
  const mixed = net.add("matmul", [scores, heads([0, 2, 1, 3])], {});
  const joined = net.add("transpose", [mixed], { perm: [0, 2, 1, 3] });
  return project(net.add("reshape", [joined], { shape: [1, tokens, 64] }), 64, 5);
}

/** A random float graph over every operation that quantization knows, from a seed; `attends`: some end in self-attention. */
export function randomGraph(seed: number, attends = false): Graph {
  const next = random(seed);
  const pick = (n: number) => Math.min(n - 1, Math.floor(((next() + 1) / 2) * n));
  const chance = (p: number) => (next() + 1) / 2 < p;
  const net = new Network(next);
  const pool: ValueId[] = [net.input("x", [1, 1 + pick(5), 4 + pick(4), 4 + pick(4)])];
  const spatial = (x: ValueId) => net.shape(x).slice(2) as [number, number];
  const small = (x: ValueId) => Math.min(...spatial(x)) < 3;
  const twin = (x: ValueId) =>
    pool.filter((v) => v !== x && net.shape(v).join() === net.shape(x).join()).at(pick(3)) ??
    net.conv(x, net.shape(x)[1]!, 1);
  const perChannel = (x: ValueId, scale: number, offset: number) =>
    net.constant([net.shape(x)[1]!, 1, 1], scale, offset, "c");
  const window = (x: ValueId) => {
    const pad = chance(0.5) && !small(x) ? 1 : 0;
    const k = small(x) ? 1 : 2 + pick(2);
    return { kernel: [k, k], strides: [1 + pick(2), 1], dilations: [1, 1], pads: [pad, pad, pad, pad] };
  };
  const makers: readonly ((x: ValueId) => ValueId)[] = [
    (x) =>
      small(x)
        ? net.conv(x, 1 + pick(6), 1)
        : net.conv(x, 1 + pick(6), 3, { pads: [1, 1, 1, 1], strides: [1 + pick(2), 1] }),
    (x) => net.conv(x, net.shape(x)[1]!, small(x) ? 1 : 3, { groups: net.shape(x)[1]! }),
    (x) => net.add("relu", [net.conv(x, 1 + pick(6), 1)], {}),
    (x) => net.add("relu", [x], {}),
    (x) => net.add("leakyRelu", [x], { alpha: [0.1, 0.3, -0.5, 2][pick(4)]! }),
    (x) =>
      net.add("clip", [x], {
        min: [-0.5, 0, Number.NEGATIVE_INFINITY][pick(3)]!,
        max: [0.4, 6, Number.POSITIVE_INFINITY][pick(3)]!,
      }),
    (x) => net.add("add", [x, twin(x)], {}),
    (x) => net.add("sub", [twin(x), x], {}),
    (x) => net.add("relu", [net.add("add", [net.conv(x, net.shape(x)[1]!, 1), x], {})], {}),
    (x) => net.add("mul", [x, twin(x)], {}),
    (x) => net.add("mul", [x, x], {}),
    (x) => net.add("mul", [x, perChannel(x, 0.5, 1)], {}),
    (x) => net.add("add", [perChannel(x, 0.5, 0), x], {}),
    (x) => net.add("sub", [net.constant([1], 0, 1, "one"), x], {}),
    (x) => net.add("div", [x, perChannel(x, 0.3, 1)], {}),
    (x) =>
      net.add("div", [x, net.add("add", [net.add("relu", [twin(x)], {}), net.constant([1], 0, 1, "one")], {})], {}),
    (x) => {
      const p = () =>
        [0, 1, 2, 3].map((i) => net.constant([net.shape(x)[1]!], 0.3, i === 0 || i === 3 ? 1 : 0, "bn")) as [
          string,
          string,
          string,
          string,
        ];
      return net.add("batchNorm", [x, ...p()], { epsilon: 1e-5 });
    },
    (x) => net.add("maxPool", [x], window(x)),
    (x) => {
      const w = window(x);
      return net.add("averagePool", [x], { ...w, countedPads: chance(0.5) ? w.pads : [0, 0, 0, 0] });
    },
    (x) => net.add("concat", [x, twin(x)], { axis: 1 }),
    (x) => net.add("transpose", [x], { perm: [0, 1, 3, 2] }),
    (x) => net.add("reshape", [x], { shape: [1, net.shape(x)[1]!, spatial(x)[1], spatial(x)[0]] }),
    (x) => net.add("pad", [x], { pads: [0, 0, 1, 0, 0, 0, 0, 1], value: [0, 0.5][pick(2)]! }),
    (x) => {
      const [h, w] = spatial(x);
      return net.add("slice", [x], {
        starts: [0, 0, h - 1, 0],
        steps: [1, 1, -1, 1],
        sizes: [1, net.shape(x)[1]!, h, Math.max(1, w - 1)],
      });
    },
  ];
  let x = pool[0]!;
  for (let i = 2 + pick(6); i > 0; i--) {
    const wide = elements(net.shape(x)) > 2000;
    x = wide
      ? net.add("maxPool", [x], { kernel: [2, 2], strides: [2, 2], dilations: [1, 1], pads: [0, 0, 0, 0] })
      : makers[pick(makers.length)]!(x);
    pool.push(x);
    if (chance(0.15)) x = pool[pick(pool.length)]!;
  }
  if (chance(0.4)) {
    const flat = net.add("reshape", [x], { shape: [1, elements(net.shape(x))] });
    x = net.add(
      "matmul",
      [
        flat,
        net.constant([elements(net.shape(x)), 5], 1 / Math.sqrt(elements(net.shape(x)))),
        net.constant([5], 0.1, 0, "b"),
      ],
      {},
    );
  } else if (attends && chance(0.3)) x = attention(net, x);
  const side = chance(0.2) ? pool.slice(1).filter((v) => v !== x) : [];
  return net.finish(x, ...side.slice(0, 1));
}
