import type { Loc } from "./types.js";

/**
 * Every error that a user's input can cause. Frontend FE, IR IR, passes PA, code generation CG, command line CL.
 * A message states what is wrong with the actual value; a hint, what would help. Codes are never reused.
 */
export const CODES = {
  FE1001: "operator {op} (domain {domain}, opset {opset}) is not supported",
  FE1002: "attribute {attribute} of {op} is {value}: {reason}",
  FE1003: "input {input} of {op} is {value}: {reason}",
  FE1004: "{op} has no attribute {attribute} in opset {opset}",
  FE1005: "output {output} of {op} is read: {reason}",
  FE1006: "{op} has {count} {what}; opset {opset} allows {allowed}",
  FE1007: "{op} cannot be computed: {reason}",
  FE2001: "the file is not an ONNX model: {reason}",
  FE2002: "the model holds no graph",
  FE2003: "the graph has a cycle through {nodes}",
  FE2004: "opset {opset} of domain {domain} is not supported; supported are {range}",
  FE2005: "tensor {tensor} is used by {op} but nothing defines it",
  FE2006: "tensor {tensor} is defined twice",
  FE2007: "initializer {tensor}: {reason}",
  FE2008: "external data of {tensor}: {reason}",
  FE2009: "input {input} has the dynamic dimension {dimension} on axis {axis}",
  FE2010: "--input-shape {input}={shape} does not fit the model: {reason}",
  FE2011: "input {input}: {reason}",
  FE2012: "shapes do not agree: {reason}",
  FE2013: "the shape of {tensor} depends on values known only at run time",
  FE2014: "the constants computed while importing are too large: {reason}",
  PA1001: "calibration data for input {input} has shape {shape}; the model needs {expected} or a multiple along axis 0",
  PA1002: "calibration data for input {input} holds {value} at element {index}",
  PA1003: "no calibration data for input {input} of shape {shape}",
  PA1004: "--calib names input {input}, which the model does not have; its inputs are {inputs}",
  PA1005: "tensor {tensor} takes the value {value} during calibration",
  PA1006: "calibration data for input {input} has type {type}; the model needs {expected}",
  PA1007: "calibration data for input {input} hold {value} throughout, and no other input's differ",
  PA2001: "{op} cannot be quantized: {reason}",
  PA2002: "{option} {value} is not available: {reason}",
  PA2003: "the calibration holds no range for input {input}",
  PA2004: "layer {layer} is no convolution or matrix product of the model",
  PA3001: "SAWB is not used for {count} weight tensors of {bits} bits: their scales follow from the maximum",
  PA3002:
    "SAWB with levels {levels}: the squared error on the weights with the published c1, c2 {published}, with the derived {derived}; {used} is used",
  PA3003:
    "the model holds no learned clip of {count} activations ({tensors}) that PACT is asked for: their clips are calibrated by {criterion}",
  PA3004: "the biases of {count} layers are not corrected: calibration has no means of their inputs' channels",
  PA3005:
    "the model's activations are clipped at levels that differ, as PACT training leaves them: its weights are taken by SAWB, one scale per tensor, as such training has it",
  CG1001: "{op} does not fit the machine {machine}: {arithmetic}",
  CG1002: "{op} cannot be lowered: {reason}",
  CG1003: "the program needs {needed} bytes of DRAM addresses; the machine has {available}",
  CL1001: "cannot read {file}: {reason}",
  CL1002: "cannot write {file}: {reason}",
  CL1003: "{file} is not a tensor file: {reason}",
  CL1004: "{option} {value}: {reason}",
  CL1005: "model evaluation by ONNX Runtime failed: {reason}",
  CL1006: "{option}: {tensors} tensors take {bytes} bytes, more than {limit}",
} as const;

export type Code = keyof typeof CODES;
type Holes<S> = S extends `${string}{${infer K}}${infer R}` ? K | Holes<R> : never;
export type CodeArgs<C extends Code> = { readonly [K in Holes<(typeof CODES)[C]>]: string | number };

export interface Diagnostic {
  readonly code: string;
  /** Model file and ONNX node, as far as they are known. */
  readonly location: Partial<Loc>;
  readonly message: string;
  readonly hint: string;
}

export function diag<C extends Code>(code: C, location: Partial<Loc>, args: CodeArgs<C>, hint: string): Diagnostic {
  const table = args as Readonly<Record<string, string | number>>;
  const message = CODES[code].replace(/\{(\w+)\}/g, (_, k: string) => String(table[k]));
  return { code, location, message, hint };
}

/** `m.onnx: node "conv1" (Conv): FE1002: message` and the hint on a line of its own. */
export function formatDiagnostic(d: Diagnostic): string {
  const where = [
    d.location.model,
    d.location.node !== undefined && d.location.node !== "" ? `node ${JSON.stringify(d.location.node)}` : undefined,
  ].filter((s) => s !== undefined);
  const op = d.location.op ? ` (${d.location.op})` : "";
  const head = where.length > 0 ? `${where.join(": ")}${op}: ` : "";
  return `${head}${d.code}: ${d.message}${d.hint ? `\n  help: ${d.hint}` : ""}`;
}

/** A fault of the user's input; carries all problems of its kind at once. `code`, `location`, `hint` are the first one's. */
export class AccelcError extends Error {
  readonly code: string;
  readonly location: Partial<Loc>;
  readonly hint: string;
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    const first = diagnostics[0];
    if (!first) throw new Error("AccelcError needs a diagnostic");
    super(diagnostics.map((d) => d.message).join("\n"));
    this.name = "AccelcError";
    this.code = first.code;
    this.location = first.location;
    this.hint = first.hint;
    this.diagnostics = diagnostics;
  }
}

/** Throws when there is anything to report. */
export function failOn(diagnostics: readonly Diagnostic[]): void {
  if (diagnostics.length > 0) throw new AccelcError(diagnostics);
}

export function fail<C extends Code>(code: C, location: Partial<Loc>, args: CodeArgs<C>, hint: string): never {
  throw new AccelcError([diag(code, location, args, hint)]);
}

/** A defect of the compiler itself: names the stage, exits with status 70. */
export class CompilerBug extends Error {
  readonly stage: string;
  constructor(stage: string, message: string) {
    super(`${stage}: ${message}`);
    this.name = "CompilerBug";
    this.stage = stage;
  }
}
