import { type Act, imageInput } from "./conv-net.js";
import { Net } from "./net.js";
import type { Settings, ZooNetwork } from "./options.js";
import type { SampleSize } from "./sample.js";

/** An ImageNet classifier: `body` makes logits of 1000 classes. Height and width are multiples of 32. */
export function classifier(
  name: string,
  description: string,
  names: { readonly input: string; readonly output: string },
  statistics: SampleSize,
  body: (net: Net, image: Act, s: Settings) => Act,
): ZooNetwork {
  return {
    name,
    description,
    size: { option: "resolution", default: 224, multiple: 32 },
    inputs: ({ batch, resolution }) => [
      { name: names.input, kind: "image", type: "float32", shape: [batch, 3, resolution, resolution] },
    ],
    build: (s) => {
      const net = new Net("main_graph", 13, s.seed);
      const y = body(net, imageInput(net, names.input, s.batch, s.resolution, statistics), s);
      net.output(y.name, names.output, [s.batch, 1000]);
      return net.encode();
    },
  };
}
