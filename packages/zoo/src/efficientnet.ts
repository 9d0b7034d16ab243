import { type Act, add, convBias, convFolded, dense, flatten, gated, globalAveragePool, silu } from "./conv-net.js";
import { classifier } from "./image-net.js";
import type { Net } from "./net.js";

/** Expansion, kernel, stride of the first block, output channels, blocks. */
const STAGES = [
  [1, 3, 1, 16, 1],
  [6, 3, 2, 24, 2],
  [6, 5, 2, 40, 2],
  [6, 3, 2, 80, 3],
  [6, 5, 1, 112, 3],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
] as const;

function squeezeExcite(net: Net, scope: string, path: string, x: Act, width: number): Act {
  let g = globalAveragePool(net, `${scope}/avgpool`, x);
  g = convBias(net, `${scope}/fc1`, `${path}.fc1`, g, { out: width, kernel: 1 });
  g = silu(net, `${scope}/activation`, g);
  g = convBias(net, `${scope}/fc2`, `${path}.fc2`, g, { out: x.shape[1], kernel: 1, shift: 1 });
  return gated(net, scope, g, x);
}

function block(net: Net, index: string, x: Act, row: (typeof STAGES)[number], stride: number): Act {
  const [expansion, kernel, , out] = row;
  const scope = `/features/features.${index}`;
  const hidden = x.shape[1] * expansion;
  let y = x;
  let at = 0;
  const part = () => `${scope}/block/block.${at}`;
  if (expansion > 1) {
    y = convFolded(net, `${part()}/block.${at}.0`, y, { out: hidden, kernel: 1 });
    y = silu(net, `${part()}/block.${at}.2`, y);
    at++;
  }
  y = convFolded(net, `${part()}/block.${at}.0`, y, { out: hidden, kernel, stride, groups: hidden, spread: 0.4 });
  y = silu(net, `${part()}/block.${at}.2`, y);
  at++;
  y = squeezeExcite(net, part(), `features.${index}.block.${at}`, y, Math.max(1, x.shape[1] >> 2));
  at++;
  const residual = stride === 1 && x.shape[1] === out;
  y = convFolded(net, `${part()}/block.${at}.0`, y, { out, kernel: 1, gain: residual ? 0.6 : 1 });
  return residual ? add(net, scope, y, x) : y;
}

function body(net: Net, image: Act): Act {
  let x = convFolded(net, "/features/features.0/features.0.0", image, { out: 32, kernel: 3, stride: 2 });
  x = silu(net, "/features/features.0/features.0.2", x);
  for (const [s, row] of STAGES.entries())
    for (let b = 0; b < row[4]; b++) x = block(net, `${s + 1}/features.${s + 1}.${b}`, x, row, b === 0 ? row[2] : 1);
  x = convFolded(net, "/features/features.8/features.8.0", x, { out: 1280, kernel: 1 });
  x = silu(net, "/features/features.8/features.8.2", x);
  const pooled = flatten(net, "", globalAveragePool(net, "/avgpool", x));
  return dense(net, "/classifier/classifier.1", "classifier.1", pooled, 1000, 2.5);
}

/** M. Tan and Q. Le, 2019; torchvision's form. */
export const EFFICIENTNET_B0 = classifier(
  "efficientnet-b0",
  "EfficientNet-B0",
  { input: "input", output: "output" },
  { images: 16, size: 64 },
  body,
);
