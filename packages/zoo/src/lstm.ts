import { type Make, Net, normal } from "./net.js";
import type { Settings, ZooNetwork } from "./options.js";
import { linear, transpose } from "./transformer.js";

const FEATURES = 128;
const HIDDEN = 256;
const CLASSES = 64;

/** Rows of a gate in ONNX's order: input, output, forget, cell. */
const FORGET = 2;

/** Both biases of every gate; the forget gates begin open. */
const biases: Make = (out, random) => {
  normal(0.1)(out, random);
  for (let i = FORGET * HIDDEN; i < (FORGET + 1) * HIDDEN; i++) out[i]! += 1;
};

/** One layer: [sequence, batch, inputs] → [sequence, batch, hidden]. */
function layer(net: Net, x: string, inputs: number, batch: number): string {
  const rows = 4 * HIDDEN;
  const state = () => net.tensor(net.anonymous("LSTM"), [1, batch, HIDDEN], new Float32Array(batch * HIDDEN));
  const weight = net.weight(net.anonymous("LSTM"), [1, rows, inputs], normal(1.2 / Math.sqrt(inputs)));
  const recurrence = net.weight(net.anonymous("LSTM"), [1, rows, HIDDEN], normal(1 / Math.sqrt(HIDDEN)));
  const bias = net.weight(net.anonymous("LSTM"), [1, 2 * rows], biases);
  const operands = [x, weight, recurrence, bias, "", state(), state()];
  const [y] = net.nodeOf("LSTM", "/lstm", operands, { hidden_size: { i: HIDDEN } }, 3);
  return net.node("Squeeze", "/lstm", [y!, net.ints("/lstm", [1])]);
}

function build({ batch, sequence, seed }: Settings): Uint8Array {
  const net = new Net("main_graph", 14, seed);
  const input = net.input("input", [batch, sequence, FEATURES]);
  let x = transpose(net, "/lstm", input, [1, 0, 2]);
  for (const inputs of [FEATURES, HIDDEN]) x = layer(net, x, inputs, batch);
  const y = linear(net, "classifier", transpose(net, "/lstm", x, [1, 0, 2]), HIDDEN, CLASSES, 0.3);
  net.output(y, "output", [batch, sequence, CLASSES]);
  return net.encode();
}

/** nn.LSTM with two layers and batch first, a class per time step. */
export const LSTM: ZooNetwork = {
  name: "lstm-2x256",
  description: "LSTM, two layers of 256",
  size: { option: "sequence", default: 32, multiple: 1 },
  inputs: ({ batch, sequence }) => [
    { name: "input", kind: "features", type: "float32", shape: [batch, sequence, FEATURES] },
  ],
  build,
};
