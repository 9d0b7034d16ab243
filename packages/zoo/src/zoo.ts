import { BERT_BASE } from "./bert.js";
import { dataFor, type ZooTensor } from "./data.js";
import { EFFICIENTNET_B0 } from "./efficientnet.js";
import { GPT2 } from "./gpt2.js";
import { LSTM } from "./lstm.js";
import { MOBILENET_V2 } from "./mobilenet.js";
import type { Settings, ZooInput, ZooNetwork, ZooOptions } from "./options.js";
import { RESNET50 } from "./resnet.js";
import { VGG16 } from "./vgg.js";
import { VIT_B16 } from "./vit.js";
import { YOLO_V3 } from "./yolo.js";

export const ZOO: readonly ZooNetwork[] = [
  VGG16,
  RESNET50,
  MOBILENET_V2,
  EFFICIENTNET_B0,
  YOLO_V3,
  BERT_BASE,
  GPT2,
  VIT_B16,
  LSTM,
];

export const zooNetwork = (name: string): ZooNetwork | undefined => ZOO.find((n) => n.name === name);

/** Longest sequence of the position tables. */
const LONGEST: Readonly<Record<string, number>> = { "bert-base-128": 512, "gpt2-128": 1024 };

/** What is wrong with the options for a network, in words. */
export function zooProblem(network: ZooNetwork, options: ZooOptions): string | undefined {
  const { option, default: usual, multiple } = network.size;
  const other = option === "resolution" ? "sequence" : "resolution";
  if (options[other] !== undefined) return `${network.name} has no ${other}`;
  if (options.layers !== undefined && network.layers === undefined) return `${network.name} has fixed layers`;
  if (options.vocabulary !== undefined && network.vocabulary === undefined) return `${network.name} has no vocabulary`;
  const size = options[option] ?? usual;
  if (size % multiple !== 0) return `the ${option} of ${network.name} must be a multiple of ${multiple}, not ${size}`;
  const longest = LONGEST[network.name] ?? Number.POSITIVE_INFINITY;
  return size > longest ? `the ${option} of ${network.name} is at most ${longest}, not ${size}` : undefined;
}

function settings(network: ZooNetwork, options: ZooOptions): Settings {
  const problem = zooProblem(network, options);
  if (problem !== undefined) throw new RangeError(problem);
  return {
    batch: 1,
    seed: 0,
    resolution: network.size.default,
    sequence: network.size.default,
    layers: network.layers ?? 0,
    vocabulary: network.vocabulary ?? 0,
    attentionMask: false,
    ...options,
  };
}

/** The ONNX file of a network; the same options give the same bytes. Throws RangeError where `zooProblem` says why. */
export const buildZoo = (network: ZooNetwork, options: ZooOptions = {}): Uint8Array =>
  network.build(settings(network, options));

export const zooInputs = (network: ZooNetwork, options: ZooOptions = {}): readonly ZooInput[] =>
  network.inputs(settings(network, options));

/** Realistic data for every input by name: `samples` times its shape, stacked along axis 0. */
export const zooData = (
  network: ZooNetwork,
  options: ZooOptions,
  samples: number,
): Readonly<Record<string, ZooTensor>> =>
  Object.fromEntries(zooInputs(network, options).map((i) => [i.name, dataFor(i, samples, options.seed ?? 0)]));
