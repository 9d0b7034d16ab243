import { type Act, add, concat, convBatchNorm, convBias, imageInput, leakyRelu, upsample2 } from "./conv-net.js";
import { fromNormalized } from "./data.js";
import { Net } from "./net.js";
import type { Settings, ZooNetwork } from "./options.js";

const SLOPE = 0.1;
/** Three anchors of 80 classes, a box and a confidence. */
const PREDICTIONS = 255;
/** Width and residual blocks of Darknet-53's stages. */
const STAGES = [
  [64, 1],
  [128, 2],
  [256, 8],
  [512, 8],
  [1024, 4],
] as const;

/** Counts Darknet's layers, which name the modules. */
class Layers {
  private index = 0;
  constructor(private readonly net: Net) {}

  next(): number {
    return this.index++;
  }

  conv(x: Act, out: number, kernel: number, stride = 1, gain = 1): Act {
    const i = this.next();
    const scope = `/module_list.${i}`;
    const y = convBatchNorm(this.net, scope, `module_list.${i}`, x, { out, kernel, stride, gain });
    return leakyRelu(this.net, `${scope}/leaky`, y, SLOPE);
  }
}

interface Features {
  readonly small: Act;
  readonly middle: Act;
  readonly large: Act;
}

function darknet53(net: Net, layers: Layers, image: Act): Features {
  const stages: Act[] = [];
  let x = layers.conv(image, 32, 3);
  for (const [width, blocks] of STAGES) {
    x = layers.conv(x, width, 3, 2);
    for (let b = 0; b < blocks; b++) {
      const y = layers.conv(layers.conv(x, width / 2, 1), width, 3, 1, 0.5);
      x = add(net, `/module_list.${layers.next()}`, x, y);
    }
    stages.push(x);
  }
  return { large: stages[2]!, middle: stages[3]!, small: stages[4]! };
}

/** Five convolutions, whose result goes on, and the predictions of this scale. */
function head(net: Net, layers: Layers, x: Act, width: number): { readonly route: Act; readonly predictions: Act } {
  let y = x;
  for (const kernel of [1, 3, 1, 3, 1]) y = layers.conv(y, kernel === 1 ? width : 2 * width, kernel);
  const wide = layers.conv(y, 2 * width, 3);
  const i = layers.next();
  const conv = { out: PREDICTIONS, kernel: 1, gain: 2, shift: -1 };
  return {
    route: y,
    predictions: convBias(net, `/module_list.${i}/conv`, `module_list.${i}.conv`, wide, conv),
  };
}

function joinUp(net: Net, layers: Layers, route: Act, width: number, features: Act): Act {
  const up = upsample2(net, `/module_list.${layers.next()}`, layers.conv(route, width, 1));
  return concat(net, `/module_list.${layers.next()}`, [up, features]);
}

function build({ batch, resolution, seed }: Settings): Uint8Array {
  const net = new Net("main_graph", 13, seed);
  const layers = new Layers(net);
  const image = imageInput(net, "images", batch, resolution, { images: 8, size: 32 }, fromNormalized);
  const { small, middle, large } = darknet53(net, layers, image);
  const a = head(net, layers, small, 512);
  const b = head(net, layers, joinUp(net, layers, a.route, 256, middle), 256);
  const c = head(net, layers, joinUp(net, layers, b.route, 128, large), 128);
  for (const [i, { predictions }] of [a, b, c].entries()) net.output(predictions.name, `output${i}`, predictions.shape);
  return net.encode();
}

/** J. Redmon and A. Farhadi, 2018; batch norm as nodes of its own, the three maps before box decoding. */
export const YOLO_V3: ZooNetwork = {
  name: "yolov3-416",
  description: "YOLOv3",
  size: { option: "resolution", default: 416, multiple: 32 },
  inputs: ({ batch, resolution }) => [
    { name: "images", kind: "unit-image", type: "float32", shape: [batch, 3, resolution, resolution] },
  ],
  build,
};
