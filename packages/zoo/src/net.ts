import type { ModelText, NewAttribute, NewNode, NewPort, NewTensor } from "@accelc/frontend";
import { encodeWithWeights, type LazyTensor } from "./encode.js";
import { fillNormal, type Random, randomOf } from "./random.js";

export type Attributes = Readonly<Record<string, NewAttribute>>;

/** Statistics of a weight tensor: normal numbers, or any function of a random stream. */
export type Make = (out: Float32Array, random: Random) => void;

/** Normal weights of one standard deviation. */
export const normal =
  (sd: number, mean = 0): Make =>
  (out, random) =>
    void fillNormal(out, random, sd, mean);

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/**
 * A graph as PyTorch's exporter writes it: nodes are called after their module and operator (`/layer1/layer1.0/relu/Relu`),
 * a second one of the same name gets `_1`; a node's outputs are called after it; small operands are Constant nodes.
 */
export class Net {
  private readonly nodes: NewNode[] = [];
  private readonly weights: LazyTensor[] = [];
  private readonly used = new Map<string, number>();
  private readonly inputs: NewPort[] = [];
  private readonly outputs: NewPort[] = [];
  private renamed = new Map<string, string>();
  private serial = 100;

  constructor(
    private readonly name: string,
    private readonly opset: number,
    readonly seed: number,
  ) {}

  input(name: string, shape: readonly number[], type = "float32"): string {
    this.inputs.push({ name, type, shape });
    return name;
  }

  /** Calls the tensor `name` from here on and makes it an output. */
  output(tensor: string, name: string, shape: readonly number[]): void {
    this.renamed.set(tensor, name);
    this.outputs.push({ name, type: "float32", shape });
  }

  private unique(name: string): string {
    const n = this.used.get(name) ?? 0;
    this.used.set(name, n + 1);
    return n === 0 ? name : `${name}_${n}`;
  }

  /** Adds a node in the module `scope` (`/layer1/layer1.0`, "" at the top) and gives its `count` outputs. */
  nodeOf(op: string, scope: string, inputs: readonly string[], attributes: Attributes, count: number): string[] {
    const name = this.unique(`${scope}/${op}`);
    const outputs = Array.from({ length: count }, (_, i) => `${name}_output_${i}`);
    this.nodes.push({ op, name, inputs, outputs, attributes });
    return outputs;
  }

  node(op: string, scope: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.nodeOf(op, scope, inputs, attributes, 1)[0]!;
  }

  /** A Constant node. */
  constant(scope: string, tensor: NewTensor): string {
    return this.node("Constant", scope, [], { value: { t: tensor } });
  }

  scalar(scope: string, value: number): string {
    return this.constant(scope, { shape: [], data: [value] });
  }

  ints(scope: string, values: readonly number[]): string {
    return this.constant(scope, { type: "int64", shape: [values.length], data: values });
  }

  /** The name of an operand that the exporter folded: `onnx::Conv_101`. */
  anonymous(op: string): string {
    return `onnx::${op}_${this.serial++}`;
  }

  random(name: string): Random {
    return randomOf(name, this.seed);
  }

  /** An initializer made when the file is written. */
  weight(name: string, shape: readonly number[], make: Make): string {
    const build = () => {
      const out = new Float32Array(elements(shape));
      make(out, this.random(name));
      return out;
    };
    this.weights.push({ name, shape, type: "float32", make: build });
    return name;
  }

  /** An initializer with given elements. */
  tensor(name: string, shape: readonly number[], data: Float32Array | BigInt64Array | Uint8Array): string {
    const type = data instanceof Float32Array ? "float32" : data instanceof BigInt64Array ? "int64" : "bool";
    this.weights.push({ name, shape, type, make: () => data });
    return name;
  }

  /** The ONNX file. */
  encode(): Uint8Array {
    const rename = (names: readonly string[]) => names.map((n) => this.renamed.get(n) ?? n);
    const nodes = this.nodes.map((n) => ({ ...n, inputs: rename(n.inputs), outputs: rename(n.outputs) }));
    const { name, opset, inputs, outputs } = this;
    const text: ModelText = { name, opset, irVersion: opset >= 15 ? 8 : 7, inputs, outputs, nodes };
    return encodeWithWeights(text, this.weights);
  }
}
