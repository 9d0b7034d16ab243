import { type Act, add, convFolded, dense, flatten, globalAveragePool, maxPool, relu } from "./conv-net.js";
import { classifier } from "./image-net.js";
import type { Net } from "./net.js";

/** Blocks and inner width of the four stages. */
const STAGES = [
  [3, 64],
  [4, 128],
  [6, 256],
  [3, 512],
] as const;

/** Bottleneck with the stride on its 3×3 convolution (v1.5). */
function bottleneck(net: Net, scope: string, x: Act, width: number, stride: number, first: boolean): Act {
  let y = relu(net, `${scope}/relu`, convFolded(net, `${scope}/conv1`, x, { out: width, kernel: 1 }));
  y = relu(net, `${scope}/relu`, convFolded(net, `${scope}/conv2`, y, { out: width, kernel: 3, stride }));
  y = convFolded(net, `${scope}/conv3`, y, { out: 4 * width, kernel: 1, gain: 0.5 });
  const shortcut = first
    ? convFolded(net, `${scope}/downsample/downsample.0`, x, { out: 4 * width, kernel: 1, stride })
    : x;
  return relu(net, `${scope}/relu`, add(net, scope, y, shortcut));
}

function body(net: Net, image: Act): Act {
  let x = convFolded(net, "/conv1", image, { out: 64, kernel: 7, stride: 2 });
  x = maxPool(net, "/maxpool", relu(net, "/relu", x), 3, 2, 1);
  for (const [s, [blocks, width]] of STAGES.entries())
    for (let b = 0; b < blocks; b++) {
      const scope = `/layer${s + 1}/layer${s + 1}.${b}`;
      x = bottleneck(net, scope, x, width, s > 0 && b === 0 ? 2 : 1, b === 0);
    }
  return dense(net, "/fc", "fc", flatten(net, "", globalAveragePool(net, "/avgpool", x)), 1000, 2.5);
}

/** K. He et al., 2015; torchvision's form. */
export const RESNET50 = classifier(
  "resnet50",
  "ResNet-50 v1.5",
  { input: "input", output: "output" },
  { images: 6, size: 64 },
  body,
);
