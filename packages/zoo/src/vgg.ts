import { type Act, convBias, dense, flatten, maxPool, relu } from "./conv-net.js";
import { classifier } from "./image-net.js";
import type { Net } from "./net.js";

const STAGES = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512],
] as const;

function body(net: Net, image: Act): Act {
  let x = image;
  let index = 0;
  const scope = () => `/features/features.${index}`;
  for (const stage of STAGES) {
    for (const out of stage) {
      x = convBias(net, scope(), `features.${index}`, x, { out, kernel: 3 });
      index++;
      x = relu(net, scope(), x);
      index++;
    }
    x = maxPool(net, scope(), x, 2, 2, 0);
    index++;
  }
  const pooled = net.node("AveragePool", "/avgpool", [x.name], {
    kernel_shape: { ints: [1, 1] },
    strides: { ints: [1, 1] },
  });
  x = flatten(net, "", { ...x, name: pooled });
  for (const layer of [0, 3]) {
    x = dense(net, `/classifier/classifier.${layer}`, `classifier.${layer}`, x, 4096, 1);
    x = relu(net, `/classifier/classifier.${layer + 1}`, x);
  }
  return dense(net, "/classifier/classifier.6", "classifier.6", x, 1000, 2.5);
}

/** K. Simonyan and A. Zisserman, 2014, configuration D. */
export const VGG16 = classifier("vgg16", "VGG-16", { input: "input", output: "output" }, { images: 8, size: 32 }, body);
