import type { ZooOptions } from "@accelc/zoo";

/** Reduced sizes, and the least cosine against ONNX Runtime at int8 with percentile calibration. */
export const REDUCED: Readonly<Record<string, { readonly options: ZooOptions; readonly cosine: number }>> = {
  vgg16: { options: { resolution: 32 }, cosine: 0.98 },
  resnet50: { options: { resolution: 64 }, cosine: 0.98 },
  mobilenetv2: { options: { resolution: 64 }, cosine: 0.95 },
  "efficientnet-b0": { options: { resolution: 64 }, cosine: 0.95 },
  "yolov3-416": { options: { resolution: 64 }, cosine: 0.98 },
  "bert-base-128": { options: { sequence: 8, layers: 2, vocabulary: 500 }, cosine: 0.98 },
  "gpt2-128": { options: { sequence: 8, layers: 2, vocabulary: 500 }, cosine: 0.98 },
  "vit-b16": { options: { resolution: 32, layers: 2 }, cosine: 0.98 },
  "lstm-2x256": { options: { sequence: 4 }, cosine: 0.98 },
};
