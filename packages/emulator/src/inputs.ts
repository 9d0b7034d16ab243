import type { TensorPlace } from "@accelc/isa";
import { ELEMENT_TYPES } from "./element-types.js";
import { emulatorError } from "./errors.js";
import type { HostTensor } from "./host-tensors.js";
import { elementCount } from "./layout.js";

export type HostInputs = Readonly<Record<string, HostTensor>>;

const show = (shape: readonly number[]): string => `[${shape.join(", ")}]`;

/** k where `shape` is the model's shape with its leading dimension k times as large; undefined where it is not. */
function samplesOf(shape: readonly number[], model: readonly number[]): number | undefined {
  if (shape.length !== model.length) return undefined;
  if (shape.length === 0) return 1;
  for (let i = 1; i < shape.length; i++) if (shape[i] !== model[i]) return undefined;
  const k = shape[0] === model[0] ? 1 : shape[0] / model[0];
  return Number.isInteger(k) && k >= 1 ? k : undefined;
}

function tensorProblems(place: TensorPlace, tensor: HostTensor): readonly string[] {
  const problems: string[] = [];
  const { name, elementType, shape } = place;
  const type = ELEMENT_TYPES[elementType];
  if (type === undefined) return [`${name}: element type ${elementType} is not known`];
  if (tensor.type !== elementType) problems.push(`${name}: type is ${tensor.type}, expected ${elementType}`);
  if (samplesOf(tensor.shape, shape) === undefined) {
    const expected = `${show(shape)}${shape.length > 0 ? ", or a multiple along axis 0" : ""}`;
    problems.push(`${name}: shape is ${show(tensor.shape)}, expected ${expected}`);
  }
  const carrier = type.make(0)[Symbol.toStringTag];
  const found = tensor.data[Symbol.toStringTag];
  if (tensor.type === elementType && found !== carrier) {
    problems.push(`${name}: data is ${found}, expected ${carrier}`);
  }
  if (tensor.data.length !== elementCount(tensor.shape)) {
    problems.push(
      `${name}: ${tensor.data.length} elements, its shape ${show(tensor.shape)} has ${elementCount(tensor.shape)}`,
    );
  }
  return problems;
}

/**
 * Number of samples the inputs hold: the common multiple of their leading dimensions; inputs of exactly the model's shape
 * are the same for all samples. Throws EmulatorError EM1007 listing every missing, unknown and unfit input at once.
 */
export function checkInputs(places: readonly TensorPlace[], inputs: HostInputs): number {
  const problems: string[] = [];
  const expected = new Map(places.map((p) => [p.name, p]));
  let samples = 1;
  for (const place of places) {
    const tensor = Object.hasOwn(inputs, place.name) ? inputs[place.name] : undefined;
    if (tensor === undefined) {
      problems.push(`${place.name}: missing, expected ${place.elementType} ${show(place.shape)}`);
      continue;
    }
    problems.push(...tensorProblems(place, tensor));
    const k = samplesOf(tensor.shape, place.shape) ?? 1;
    if (k > 1 && samples > 1 && k !== samples)
      problems.push(`${place.name}: ${k} samples, another input has ${samples}`);
    samples = Math.max(samples, k);
  }
  for (const name of Object.keys(inputs)) {
    if (!expected.has(name)) problems.push(`${name}: no such input, expected ${[...expected.keys()].join(", ")}`);
  }
  if (problems.length > 0) throw inputError(problems);
  return samples;
}

export const inputError = (problems: readonly string[]) =>
  emulatorError("inputs", { problems: problems.map((p) => `  ${p}`).join("\n") });
