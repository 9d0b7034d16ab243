import { encodeModel, type ModelProto, type TensorProto } from "@accelc/frontend";
import type { InferenceSession } from "onnxruntime-web/wasm";

export type Runtime = typeof import("onnxruntime-web/wasm");
let runtime: Promise<Runtime> | undefined;

/** ONNX Runtime on one thread of the calling thread; loaded at the first use because it is large. */
export function loadRuntime(): Promise<Runtime> {
  runtime ??= import("onnxruntime-web/wasm").then((ort) => {
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.proxy = false;
    ort.env.logLevel = "fatal";
    return ort;
  });
  return runtime;
}

/** ONNX Runtime optimizes nothing, so that every tensor exists and holds what the model says. */
const SESSION: InferenceSession.SessionOptions = {
  executionProviders: ["wasm"],
  graphOptimizationLevel: "disabled",
  logSeverityLevel: 4,
};

/** Smaller tensors stay in the model: ONNX Runtime infers shapes from their values. */
const LEAST_MOUNTED = 1024;
const EXTERNAL = 1;

/** Initializers that ONNX Runtime is to read from memory as if they were files, each buffer one. */
interface Mounted {
  readonly model: ModelProto;
  readonly files: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/** Of weights there is then one copy in ONNX Runtime's memory, not also the file and the decoded file. */
function mount(model: ModelProto): Mounted {
  const paths = new Map<ArrayBufferLike, string>();
  const outside = (t: TensorProto): TensorProto => {
    const raw = t.rawData;
    if (!raw || raw.length < LEAST_MOUNTED) return t;
    const location = paths.get(raw.buffer) ?? `initializers/${paths.size}`;
    paths.set(raw.buffer, location);
    const entries = { location, offset: raw.byteOffset, length: raw.length };
    const { rawData: _, ...rest } = t;
    const externalData = Object.entries(entries).map(([key, value]) => ({ key, value: String(value) }));
    return { ...rest, dataLocation: EXTERNAL, externalData };
  };
  const graph = model.graph && { ...model.graph, initializer: (model.graph.initializer ?? []).map(outside) };
  const files = [...paths].map(([buffer, path]) => ({ path, data: new Uint8Array(buffer) }));
  return { model: { ...model, graph: graph ?? null }, files };
}

let last: Promise<void> = Promise.resolve();

/** One call into ONNX Runtime at a time: calls that overlap would share its stack, and its table of mounted files. */
function alone<T>(call: () => Promise<T>): Promise<T> {
  const result = last.then(call);
  const over = () => undefined;
  last = result.then(over, over);
  return result;
}

export const openSession = (ort: Runtime, model: ModelProto): Promise<InferenceSession> =>
  alone(() => {
    const { model: outer, files } = mount(model);
    return ort.InferenceSession.create(encodeModel(outer), { ...SESSION, externalData: files });
  });

export const runSession = (
  session: InferenceSession,
  feeds: InferenceSession.FeedsType,
  names: readonly string[],
): Promise<InferenceSession.ReturnType> => alone(() => session.run(feeds, names));

export const releaseSession = (session: InferenceSession): Promise<void> => alone(() => session.release());
