import {
  allocate,
  type Data,
  type Diagnostic,
  type DType,
  diag,
  elements,
  type Graph,
  isFloat,
  type Port,
  sameShape,
  typeOf,
} from "@accelc/ir";
import { rawValues } from "../raw.js";

/** A tensor as it comes from a file or goes to ONNX Runtime: `type` is its ONNX element type. */
export interface SampleTensor {
  readonly type: DType;
  readonly shape: readonly number[];
  readonly data: Data;
}

/** One value per model input, by ONNX name. */
export type Feed = Readonly<Record<string, SampleTensor>>;

const show = (shape: readonly number[]): string => `[${shape.join(",")}]`;

/** How many samples `t` holds for a model input of shape `want`: its leading extent over the model's; undefined where it does not fit. */
function samplesIn(t: SampleTensor, want: readonly number[]): number | undefined {
  if (sameShape(t.shape, want)) return 1;
  const [lead, ...rest] = t.shape;
  const [unit, ...inner] = want;
  if (lead === undefined || !unit || !sameShape(rest, inner) || lead % unit !== 0 || lead === 0) return undefined;
  return lead / unit;
}

function firstNaN(data: Data): number | undefined {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return undefined;
  const i = data.findIndex((x) => Number.isNaN(x));
  return i < 0 ? undefined : i;
}

/** Problems of one input; a raw one needs no data, and may hold anything. */
function portProblems(g: Graph, port: Port, t: SampleTensor | undefined, model: string, raw: boolean): Diagnostic[] {
  if (raw && !t) return [];
  const want = typeOf(g, port.value).shape;
  const at = { model };
  const input = port.name;
  if (!t) return [diag("PA1003", at, { input, shape: show(want) }, `add --calib ${input}=FILE.npy`)];
  const problems: Diagnostic[] = [];
  if (t.type !== port.elementType)
    problems.push(
      diag(
        "PA1006",
        at,
        { input, type: t.type, expected: port.elementType },
        `write the array as ${port.elementType}, e.g. x.astype(numpy.${port.elementType})`,
      ),
    );
  if (samplesIn(t, want) === undefined || t.data.length !== elements(t.shape))
    problems.push(
      diag(
        "PA1001",
        at,
        { input, shape: show(t.shape), expected: show(want) },
        "stack the samples along axis 0, in the model's own layout",
      ),
    );
  const index = raw ? undefined : firstNaN(t.data);
  if (index !== undefined)
    problems.push(
      diag(
        "PA1002",
        at,
        { input, value: String(t.data[index]), index },
        "remove or repair the sample: ranges are measured on it",
      ),
    );
  return problems;
}

/** An input without data, which none is needed of, is the same in all samples. */
function samplesGiven(g: Graph, p: Port, feeds: ReadonlyMap<string, SampleTensor>): number {
  const t = feeds.get(p.name);
  return t ? samplesIn(t, typeOf(g, p.value).shape)! : 1;
}

/** Inputs that hold a number of samples other than the first input that holds more than one. */
function countProblems(g: Graph, feeds: ReadonlyMap<string, SampleTensor>, model: string): Diagnostic[] {
  const counts = g.inputs.map((p) => samplesGiven(g, p, feeds));
  const reference = counts.findIndex((k) => k > 1);
  return g.inputs.flatMap((p, i) => {
    const want = typeOf(g, p.value).shape;
    if (reference < 0 || !feeds.has(p.name) || counts[i] === counts[reference] || want.length === 0) return [];
    const { name } = g.inputs[reference]!;
    const k = counts[reference]!;
    const expected = show([want[0]! * k, ...want.slice(1)]);
    return [
      diag(
        "PA1001",
        { model },
        { input: p.name, shape: show(feeds.get(p.name)!.shape), expected },
        `input ${name} holds ${k} samples: give this one as many`,
      ),
    ];
  });
}

/**
 * Everything that is wrong with calibration data for the inputs of `g`, all inputs at once. Where no range is `needed`, data
 * may be left out.
 */
export function calibrationProblems(
  g: Graph,
  feeds: ReadonlyMap<string, SampleTensor>,
  model: string = g.name,
  needed = true,
): Diagnostic[] {
  const names = g.inputs.map((p) => p.name);
  const unknown = [...feeds.keys()]
    .filter((name) => !names.includes(name))
    .map((input) =>
      diag("PA1004", { model }, { input, inputs: names.join(", ") }, "use one of the model's input names"),
    );
  const raw = rawValues(g);
  const given = g.inputs.filter((p) => needed || feeds.has(p.name));
  const ofInputs = given.flatMap((p) => portProblems(g, p, feeds.get(p.name), model, raw.has(p.value)));
  const problems = [...unknown, ...ofInputs];
  return problems.length > 0 ? problems : countProblems(g, feeds, model);
}

/** How many samples the data hold. Needs data without calibrationProblems. */
export function sampleCount(g: Graph, feeds: ReadonlyMap<string, SampleTensor>): number {
  return Math.max(1, ...g.inputs.map((p) => samplesGiven(g, p, feeds)));
}

/** The samples one by one, each in the model's own shapes, as views of the data. Needs data without calibrationProblems. */
export function* samplesOf(g: Graph, feeds: ReadonlyMap<string, SampleTensor>): Generator<Feed> {
  const count = sampleCount(g, feeds);
  for (let k = 0; k < count; k++) {
    const feed = g.inputs.map((p) => {
      const shape = typeOf(g, p.value).shape;
      const size = elements(shape);
      const zeros = { type: p.elementType, data: allocate(p.elementType, size) };
      const t = feeds.get(p.name) ?? zeros;
      const from = t.data.length === size ? 0 : k * size;
      return [p.name, { type: t.type, shape, data: t.data.subarray(from, from + size) }] as const;
    });
    yield Object.fromEntries(feed);
  }
}

/** Fewer numbers than this may well be equal. */
const TELLING = 16;

/**
 * PA1007 for every float input that ranges are needed of, where none of them holds two different numbers: a network seen on one number
 * has no ranges. One input of several may be constant.
 */
export function constantProblems(
  g: Graph,
  feeds: ReadonlyMap<string, SampleTensor>,
  model: string = g.name,
): Diagnostic[] {
  const raw = rawValues(g);
  const needed = g.inputs.filter((p) => !raw.has(p.value) && feeds.has(p.name));
  const varied = needed.some(({ name }) => {
    const { data } = feeds.get(name)!;
    for (let i = 1; i < data.length; i++) if (data[i] !== data[0]) return true;
    return data.length < TELLING;
  });
  const floats = needed.filter((p) => isFloat(p.elementType));
  if (varied) return [];
  const hint = "calibrate on inputs as the network will see them";
  return floats.map(({ name }) =>
    diag("PA1007", { model }, { input: name, value: String(feeds.get(name)!.data[0]) }, hint),
  );
}
