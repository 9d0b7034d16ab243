import type { ExternalData, GraphProto, ModelProto, ValueInfoProto } from "@accelc/frontend";
import type { InferenceSession, Tensor } from "onnxruntime-web/wasm";
import { cut, isConstant, type Piece } from "./cut.js";
import { prepare } from "./expose.js";
import type { OracleInputs } from "./oracle.js";
import { loadRuntime, openSession, type Runtime, releaseSession, runSession } from "./runtime.js";
import { fromOrt, type OracleTensor, onnxType, toOrt } from "./tensor.js";

/** The tensors of one piece of the model for one sample. */
export interface Part {
  readonly sample: number;
  readonly values: ReadonlyMap<string, OracleTensor>;
}

export interface PiecesOptions {
  /** Names of the tensors to return, each with its bytes in a sample where these are known. */
  readonly tensors: ReadonlyMap<string, number>;
  /** Reads the files of external initializers. */
  readonly externalData?: ExternalData | undefined;
  /** Bytes of weights and returned tensors that are in ONNX Runtime's memory at once, roughly. */
  readonly most?: number;
}

/** A float model that ONNX Runtime computes in pieces, one of which is in its memory at a time. */
export interface Pieces {
  /** Samples worth handing over at once: what later pieces read of earlier ones then takes bounded memory. */
  readonly samples: number;
  /** Inputs and wanted tensors of every sample, each once. Throws what ONNX Runtime does where it cannot run a piece. */
  run(inputs: readonly OracleInputs[]): AsyncGenerator<Part>;
}

/** ONNX Runtime's memory never shrinks, so that what calibration takes is there until the end. */
const MOST = 2 ** 23;
/** Bytes that are kept of all samples between two pieces, roughly, and the most samples. */
const MOST_KEPT = 2 ** 26;
const MOST_SAMPLES = 64;

const readBy = (pieces: readonly Piece[]): ReadonlySet<string> => new Set(pieces.flatMap((p) => [...p.reads]));

/** Most bytes of a sample that are kept between any two pieces. */
function mostKept(pieces: readonly Piece[], bytesOf: (name: string) => number): number {
  const between = pieces.map((_, at) => {
    const later = readBy(pieces.slice(at + 1));
    const names = pieces.slice(0, at + 1).flatMap((p) => p.kept.filter((name) => later.has(name)));
    return names.reduce((n, name) => n + bytesOf(name), 0);
  });
  return Math.max(...between);
}

/** Undefined where the model is small enough to be run in one piece. */
export async function openPieces(given: ModelProto, options: PiecesOptions): Promise<Pieces | undefined> {
  const { tensors, externalData, most = MOST } = options;
  const { model } = await prepare(given, [], externalData);
  const { graph } = model;
  if (!graph) return undefined;
  const bytesOf = (name: string): number => tensors.get(name) ?? 0;
  const pieces = cut(graph, { wanted: new Set(tensors.keys()), bytesOf, most });
  if (pieces.length < 2) return undefined;
  return {
    samples: Math.max(1, Math.min(MOST_SAMPLES, Math.floor(MOST_KEPT / Math.max(1, mostKept(pieces, bytesOf))))),
    run: (inputs) => runPieces(model, graph, pieces, inputs),
  };
}

/** Values of one sample that later pieces read. */
type Kept = Map<string, Tensor>;

async function* runPieces(
  model: ModelProto,
  graph: GraphProto,
  pieces: readonly Piece[],
  inputs: readonly OracleInputs[],
): AsyncGenerator<Part> {
  const ort = await loadRuntime();
  const kept = inputs.map(
    (feed): Kept => new Map(Object.entries(feed).map(([name, t]) => [name, toOrt(ort.Tensor, t)])),
  );
  for (const [sample, feed] of inputs.entries()) yield { sample, values: new Map(Object.entries(feed)) };
  for (const [at, piece] of pieces.entries()) {
    const later = readBy(pieces.slice(at + 1));
    yield* runPiece(ort, modelOf(model, graph, piece, kept[0] ?? new Map()), piece, kept);
    for (const values of kept) for (const name of values.keys()) if (!later.has(name)) values.delete(name);
  }
}

async function* runPiece(ort: Runtime, model: ModelProto, piece: Piece, kept: readonly Kept[]): AsyncGenerator<Part> {
  const names = (model.graph?.output ?? []).map((o) => o.name ?? "");
  if (names.length === 0) return;
  const session = await openSession(ort, model);
  try {
    for (const [sample, values] of kept.entries()) {
      const found = await runSession(session, feedsOf(session, values), names);
      for (const name of piece.kept) values.set(name, found[name] as Tensor);
      yield { sample, values: new Map(piece.wanted.map((name) => [name, fromOrt(found[name] as Tensor)])) };
    }
  } finally {
    await releaseSession(session);
  }
}

const feedsOf = (session: InferenceSession, values: Kept): Record<string, Tensor> =>
  Object.fromEntries(session.inputNames.flatMap((name) => (values.has(name) ? [[name, values.get(name)!]] : [])));

/** A piece as a model of its own; `values` says of which element types the values of earlier pieces are. */
function modelOf(model: ModelProto, graph: GraphProto, piece: Piece, values: Kept): ModelProto {
  const inputs = new Set((graph.input ?? []).map((i) => i.name ?? ""));
  const used = (p: { name?: string | null }) => piece.reads.has(p.name ?? "");
  const crossing = [...values].filter(([name]) => piece.reads.has(name) && !inputs.has(name));
  const constants = (graph.node ?? []).filter(
    (n) => isConstant(n) && !piece.nodes.includes(n) && (n.output ?? []).some((name) => piece.reads.has(name)),
  );
  const part: GraphProto = {
    ...graph,
    node: [...constants, ...piece.nodes],
    initializer: (graph.initializer ?? []).filter(used),
    input: [...(graph.input ?? []).filter(used), ...crossing.map(([name, t]) => valueInfo(name, t))],
    output: [...new Set([...piece.wanted, ...piece.kept])].map((name) => ({ name })),
    valueInfo: [],
  };
  return { ...model, graph: part };
}

const valueInfo = (name: string, t: Tensor): ValueInfoProto => ({
  name,
  type: { tensorType: { elemType: onnxType(t) } },
});
