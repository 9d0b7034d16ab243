/**
 * Two families: EM1xxx is raised while loading a binary or preparing its inputs, EM2xxx while instructions execute.
 * Holes in braces are filled from named arguments; a code is never reused.
 */
export const ERRORS = {
  format: { code: "EM1001", text: "not a binary of this toolchain: {reason}", hint: "compile the model again" },
  version: {
    code: "EM1002",
    text: "the binary has format version {found}, this emulator reads version {expected}",
    hint: "compile the model again with the same release as the emulator",
  },
  machineUnknown: {
    code: "EM1003",
    text: "the binary was compiled for machine {name}, which this emulator does not know",
    hint: "pass the machine description the binary was compiled for",
  },
  machineHash: {
    code: "EM1004",
    text: "the binary was compiled for another machine: {name}, hash {found}; the given machine {given} has hash {expected}",
    hint: "compile again for this machine, or pass the description used when compiling",
  },
  structure: { code: "EM1005", text: "malformed block {block} at word {address}: {reason}", hint: "compile again" },
  memory: {
    code: "EM1006",
    text: "the binary needs {bytes} bytes of DRAM, the emulator allows {limit}",
    hint: "raise maxDramBytes if the host has that much memory",
  },
  inputs: { code: "EM1007", text: "inputs do not fit the program:\n{problems}", hint: "see the expected values above" },
  hostMemory: {
    code: "EM1009",
    text: "the host has no {bytes} bytes of memory for the emulated machine",
    hint: "use fewer threads, or a host with more memory",
  },
  programSize: {
    code: "EM1010",
    text: "the program has {words} words, the emulator takes {limit}",
    hint: "compile the model in parts",
  },
  outputs: {
    code: "EM1011",
    text: "the outputs of {samples} samples take {bytes} bytes, the emulator allows {limit}",
    hint: "give fewer samples at a time",
  },
  place: { code: "EM1008", text: "tensor {name} lies outside DRAM: {reason}", hint: "compile again" },
} as const;

/** Run-time faults of a program, each located at an instruction word. */
export const TRAPS = {
  undefinedWord: { code: "EM2001", text: "word 0x{word} is not an instruction" },
  dramRange: {
    code: "EM2002",
    text: "{what} touches {bytes} bytes at DRAM address {address}, outside .rodata {constants} and .bss {arena}",
  },
  readOnly: { code: "EM2025", text: "{what} of {bytes} bytes at DRAM address {address} overwrites constants" },
  scratchRange: { code: "EM2003", text: "{what} touches {name} row {row} of {rows}" },
  unwritten: { code: "EM2004", text: "{what} reads {name} row {row}, which was never written" },
  ports: { code: "EM2005", text: "{op} reads {name} twice in one issue, rows {first} and {second}" },
  obufOwner: { code: "EM2006", text: "{what} touches OBUF, which the SIMD side does not own here" },
  loopRange: { code: "EM2007", text: "loop {loop} is out of range, {limit} available" },
  iteratorRange: { code: "EM2008", text: "iterator {index} of {name} is out of range, {limit} available" },
  immRange: { code: "EM2009", text: "IMM slot {slot} is out of range, {limit} available" },
  castShift: { code: "EM2010", text: "{op} shifts by {shift}, outside {low}..{high}" },
  nestLevels: { code: "EM2011", text: "the loop nest is malformed: {reason}" },
  nestBindings: {
    code: "EM2012",
    text: "level {level} of the nest has {found} bindings for a body of {body} instructions",
  },
  nestNamespace: {
    code: "EM2013",
    text: "{operand} of {op} is {word} in the word and {binding} in level {level} of the nest",
  },
  tileProduct: { code: "EM2014", text: "{what} has {found} tiles, the block runs {expected}" },
  specialFunction: { code: "EM2015", text: "{op} needs special functions, which machine {machine} does not have" },
  steps: {
    code: "EM2016",
    text: "the program ran for more than {limit} steps",
    hint: "a defect of the compiler or of the program, unless it is meant to run that long: then raise maxSteps",
  },
  namespace: { code: "EM2017", text: "{what} may not use namespace {name}" },
  format: { code: "EM2018", text: "operand formats {a} and {w}: {reason}" },
  transfer: { code: "EM2019", text: "{what}: {reason}" },
  padRatio: {
    code: "EM2020",
    text: "the outer stride {outer} of a bound is not a multiple of its inner stride {inner}",
  },
  reduction: { code: "EM2021", text: "the loops of the systolic region are malformed: {reason}" },
  index: { code: "EM2026", text: "index {index} is outside [-{count}, {count})" },
  permute: { code: "EM2022", text: "permutation: {reason}" },
  unsupported: { code: "EM2024", text: "{op} is never executed: {reason}" },
  events: {
    code: "EM2027",
    text: "simulating the program takes more than {limit} events",
    hint: "a defect of the compiler or of the program, unless it is meant to run that long: then raise maxEvents",
  },
  datatype: { code: "EM2023", text: "{op} is not defined under datatype {kind}" },
} as const;

export type ErrorKey = keyof typeof ERRORS;
export type TrapKey = keyof typeof TRAPS;

type Holes<S extends string> = S extends `${string}{${infer K}}${infer R}` ? K | Holes<R> : never;
export type Args<S extends string> = { readonly [K in Holes<S>]: string | number };

const fill = (text: string, args: { readonly [k: string]: string | number }): string =>
  text.replace(/\{(\w+)\}/g, (_, key: string) => String(args[key]));

/** A fault of the user's input: `code`, `message`, `hint`, and the place it concerns where there is one. */
export class EmulatorError extends Error {
  override readonly name: string = "EmulatorError";
  constructor(
    readonly code: string,
    message: string,
    readonly hint: string,
    readonly location: string | undefined = undefined,
  ) {
    super(message);
  }
}

/** Where a trap happened: word index in .text, block index, and the ONNX node the debug table names for the word. */
export interface TrapLocation {
  readonly address: number;
  readonly block: number;
  readonly node: string | undefined;
  readonly op: string | undefined;
}

export class Trap extends EmulatorError {
  override readonly name: string = "Trap";
  readonly address: number;
  readonly block: number;
  readonly node: string | undefined;
  readonly op: string | undefined;
  constructor(
    code: string,
    readonly detail: string,
    at: TrapLocation,
    hint = "a defect of the compiler or of a hand-written program",
  ) {
    const node = at.node === undefined ? "" : `, node "${at.node}" (${at.op ?? "?"})`;
    const where = `word ${at.address}, block ${at.block}${node}`;
    super(code, `${code}: ${detail} [${where}]`, hint, where);
    this.address = at.address;
    this.block = at.block;
    this.node = at.node;
    this.op = at.op;
  }
}

export const emulatorError = <K extends ErrorKey>(key: K, args: Args<(typeof ERRORS)[K]["text"]>): EmulatorError =>
  new EmulatorError(ERRORS[key].code, fill(ERRORS[key].text, args), ERRORS[key].hint);

export const trapAt = <K extends TrapKey>(at: TrapLocation, key: K, args: Args<(typeof TRAPS)[K]["text"]>): Trap =>
  new Trap(TRAPS[key].code, fill(TRAPS[key].text, args), at, (TRAPS[key] as { readonly hint?: string }).hint);
