/** What a network can be built for; every network has defaults. */
export interface ZooOptions {
  /** Samples per run. */
  readonly batch?: number;
  /** Height and width of images. */
  readonly resolution?: number;
  /** Tokens or time steps. */
  readonly sequence?: number;
  readonly seed?: number;
  /** Transformer blocks: fewer make a smaller network of the same kind. */
  readonly layers?: number;
  /** Rows of the word embedding. */
  readonly vocabulary?: number;
  /** BERT: an input attention_mask, 1 where a token counts. */
  readonly attentionMask?: boolean;
}

/** What an input holds, for making realistic data. */
export type InputKind = "image" | "unit-image" | "tokens" | "segments" | "mask" | "features";

export interface ZooInput {
  readonly name: string;
  readonly kind: InputKind;
  readonly type: "float32" | "int64";
  readonly shape: readonly number[];
  /** Tokens are below. */
  readonly limit?: number;
}

export type Settings = Required<ZooOptions>;

export interface ZooNetwork {
  readonly name: string;
  readonly description: string;
  /** The option that scales its inputs, and its value unless given. */
  readonly size: { readonly option: "resolution" | "sequence"; readonly default: number; readonly multiple: number };
  readonly layers?: number;
  readonly vocabulary?: number;
  readonly inputs: (s: Settings) => readonly ZooInput[];
  /** The ONNX file. */
  readonly build: (s: Settings) => Uint8Array;
}
