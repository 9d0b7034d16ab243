import { type Act, add, convFolded, dense, flatten, globalAveragePool, relu6 } from "./conv-net.js";
import { classifier } from "./image-net.js";
import type { Net } from "./net.js";

/** Expansion, output channels, blocks, stride of the first block. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** Depthwise filters of trained networks differ more between channels than others. */
const DEPTHWISE_SPREAD = 0.4;

function block(net: Net, scope: string, x: Act, expansion: number, out: number, stride: number): Act {
  const hidden = x.shape[1] * expansion;
  let y = x;
  let index = 0;
  const conv = `${scope}/conv`;
  if (expansion > 1) {
    y = convFolded(net, `${conv}/conv.0/conv.0.0`, y, { out: hidden, kernel: 1, shift: 0.2 });
    y = relu6(net, `${conv}/conv.0/conv.0.2`, y);
    index++;
  }
  const depthwise = { out: hidden, kernel: 3, stride, groups: hidden, spread: DEPTHWISE_SPREAD, shift: 0.2 };
  y = convFolded(net, `${conv}/conv.${index}/conv.${index}.0`, y, depthwise);
  y = relu6(net, `${conv}/conv.${index}/conv.${index}.2`, y);
  const residual = stride === 1 && x.shape[1] === out;
  y = convFolded(net, `${conv}/conv.${index + 1}`, y, { out, kernel: 1, gain: residual ? 0.6 : 1 });
  return residual ? add(net, scope, x, y) : y;
}

function body(net: Net, image: Act): Act {
  let x = convFolded(net, "/features/features.0/features.0.0", image, { out: 32, kernel: 3, stride: 2, shift: 0.2 });
  x = relu6(net, "/features/features.0/features.0.2", x);
  let index = 1;
  for (const [expansion, out, blocks, stride] of STAGES)
    for (let b = 0; b < blocks; b++)
      x = block(net, `/features/features.${index++}`, x, expansion, out, b === 0 ? stride : 1);
  x = convFolded(net, `/features/features.${index}/features.${index}.0`, x, { out: 1280, kernel: 1 });
  x = relu6(net, `/features/features.${index}/features.${index}.2`, x);
  const pooled = flatten(net, "", globalAveragePool(net, "", x));
  return dense(net, "/classifier/classifier.1", "classifier.1", pooled, 1000, 2.5);
}

/** M. Sandler et al., 2018; torchvision's form. */
export const MOBILENET_V2 = classifier(
  "mobilenetv2",
  "MobileNetV2",
  { input: "input", output: "output" },
  { images: 16, size: 64 },
  body,
);
