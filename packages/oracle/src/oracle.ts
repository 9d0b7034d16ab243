import type { ExternalData, ModelProto } from "@accelc/frontend";
import { AccelcError, fail } from "@accelc/ir";
import type { InferenceSession, Tensor } from "onnxruntime-web/wasm";
import { prepare } from "./expose.js";
import { loadRuntime, openSession, type Runtime, releaseSession, runSession } from "./runtime.js";
import { fromOrt, type OracleTensor, toOrt } from "./tensor.js";

export interface OracleOptions {
  /** Names of intermediate tensors to return from every run; "all" for every output of every node. */
  readonly tensors?: readonly string[] | "all";
  /** Reads the files of external initializers. */
  readonly externalData?: ExternalData | undefined;
  /** Name of the model in diagnostics. */
  readonly model?: string;
}

/** One tensor per model input, by ONNX name, of the model's own element types. */
export type OracleInputs = Readonly<Record<string, OracleTensor>>;

/** The float model as ONNX Runtime computes it. */
export interface Oracle {
  /** Every tensor a run returns: the wanted intermediate ones that ONNX Runtime can give, and the outputs. */
  readonly tensors: readonly string[];
  readonly outputs: readonly string[];
  run(inputs: OracleInputs): Promise<Map<string, OracleTensor>>;
  release(): Promise<void>;
}

const HINT = "check that the model runs in ONNX Runtime";

function failed(model: string | undefined, e: unknown): never {
  if (e instanceof AccelcError) throw e;
  return fail("CL1005", model === undefined ? {} : { model }, { reason: reasonOf(e) }, HINT);
}

function reasonOf(e: unknown): string {
  const text = e instanceof Error ? e.message : String(e);
  return text.replace(/^.*ERROR_MESSAGE:\s*/s, "").replace(/^\d+$/, "out of memory or an internal exception");
}

/**
 * Opens the float model in ONNX Runtime's WebAssembly backend (Node and browser). CL1005 with the reason where ONNX
 * Runtime rejects the model. Intermediate tensors it cannot return are left out of `tensors`.
 */
export async function createOracle(given: Uint8Array | ModelProto, options: OracleOptions = {}): Promise<Oracle> {
  const refuse = (e: unknown) => failed(options.model, e);
  const { model, exposed, outputs } = await prepare(given, options.tensors ?? [], options.externalData).catch(refuse);
  const ort = await loadRuntime();
  const session = await openSession(ort, exposed).catch((e: unknown) =>
    exposed === model ? refuse(e) : openSession(ort, model).catch(refuse),
  );
  return oracleOn(ort, session, outputs, options.model);
}

function oracleOn(ort: Runtime, session: InferenceSession, outputs: readonly string[], model?: string): Oracle {
  let tensors = session.outputNames;
  let failures = 0;
  const attempt = async (inputs: OracleInputs, names: readonly string[]) => {
    const feeds = Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, toOrt(ort.Tensor, t)]));
    return collect(await runSession(session, feeds, names), names);
  };
  const fewer = async (inputs: OracleInputs) => {
    failures++;
    tensors = await returnable(tensors, outputs, (names) => attempt(inputs, names));
    return attempt(inputs, tensors);
  };
  return {
    get tensors() {
      return tensors;
    },
    outputs,
    run: (inputs) =>
      attempt(inputs, tensors)
        .catch((e: unknown) => (failures === 0 && tensors.length > outputs.length ? fewer(inputs) : Promise.reject(e)))
        .catch((e: unknown) => failed(model, e)),
    release: () => releaseSession(session),
  };
}

function collect(found: InferenceSession.ReturnType, names: readonly string[]): Map<string, OracleTensor> {
  return new Map(names.map((name) => [name, fromOrt(found[name] as Tensor)]));
}

/** The tensors of `all` that ONNX Runtime can hand over, found one by one: a sequence or a string makes a whole run fail. */
async function returnable(
  all: readonly string[],
  outputs: readonly string[],
  attempt: (names: readonly string[]) => Promise<unknown>,
): Promise<string[]> {
  const good = [...outputs];
  await attempt(outputs);
  for (const name of all) {
    if (outputs.includes(name)) continue;
    const ok = await attempt([name]).then(
      () => true,
      () => false,
    );
    if (ok) good.push(name);
  }
  return good;
}
