import { Fault, nearest, parseNumber, parseWord } from "./asm-inst.js";
import { checkObject } from "./check-object.js";
import { writeElf } from "./elf-write.js";
import { checkDebug, checkIo, ShapeError } from "./json.js";
import {
  type AccelObject,
  type AccelSymbol,
  type DebugBlock,
  type DebugNode,
  type DebugRange,
  type DebugTable,
  type DebugTensor,
  FORMAT_VERSION,
  type TensorPlace,
} from "./object.js";

export interface AsmDiagnostic {
  /** 1-based; the last line where something is missing from the whole. */
  readonly line: number;
  readonly message: string;
  readonly hint: string;
}

/** The text cannot be assembled. `diagnostics` holds every error found, in line order. */
export class AsmError extends Error {
  override readonly name = "AsmError";
  constructor(readonly diagnostics: readonly AsmDiagnostic[]) {
    super(diagnostics.map((d) => `line ${d.line}: ${d.message} (${d.hint})`).join("\n"));
  }
}

interface Machine {
  readonly name: string;
  readonly hash: string;
}

interface State {
  formatVersion: number;
  machine: Machine | undefined;
  rodataAddress: number;
  readonly rodata: Uint8Array[];
  bss: { readonly address: number; readonly size: number };
  readonly inputs: TensorPlace[];
  readonly outputs: TensorPlace[];
  model: string;
  readonly nodes: DebugNode[];
  readonly blocks: DebugBlock[];
  readonly ranges: DebugRange[];
  readonly tensors: DebugTensor[];
  readonly words: number[];
  readonly symbols: AccelSymbol[];
  open: { readonly name: string; readonly start: number } | undefined;
}

const initial = (): State => ({
  formatVersion: FORMAT_VERSION,
  machine: undefined,
  rodataAddress: 0,
  rodata: [],
  bss: { address: 0, size: 0 },
  inputs: [],
  outputs: [],
  model: "",
  nodes: [],
  blocks: [],
  ranges: [],
  tensors: [],
  words: [],
  symbols: [],
  open: undefined,
});

function closeSymbol(s: State): void {
  if (s.open !== undefined) s.symbols.push({ ...s.open, words: s.words.length - s.open.start });
  s.open = undefined;
}

function numbers(rest: string, usage: string): readonly number[] {
  const parsed = rest.split(/\s+/).map(parseNumber);
  const wanted = usage.split(" ").length - 1;
  if (parsed.length !== wanted || parsed.some((n) => n === undefined || n < 0 || n > 2 ** 32)) {
    throw new Fault(`"${rest}" is not what the directive needs`, `write: ${usage}`);
  }
  return parsed as readonly number[];
}

function json(rest: string): unknown {
  try {
    return JSON.parse(rest);
  } catch {
    throw new Fault("the rest of the line is not JSON", "write one JSON value on the line");
  }
}

const io = (value: unknown): TensorPlace => checkIo({ inputs: [value], outputs: [] }).inputs[0]!;
const EMPTY_DEBUG = { model: "", nodes: [], blocks: [], ranges: [], tensors: [] } as const;
const debug = <K extends "nodes" | "blocks" | "ranges" | "tensors">(key: K, rest: string): DebugTable[K][number] => {
  const entries: DebugTable[K] = checkDebug({ ...EMPTY_DEBUG, [key]: [json(rest)] }, Number.POSITIVE_INFINITY)[key];
  return entries[0]!;
};

function base64(rest: string): Uint8Array {
  try {
    return Uint8Array.from(atob(rest), (c) => c.charCodeAt(0));
  } catch {
    throw new Fault("the rest of the line is not base64", "write whole groups of four base64 characters");
  }
}

function machine(rest: string): Machine {
  const match = /^("(?:[^"\\]|\\.)*")\s+([0-9a-f]{64})$/.exec(rest);
  const name = match === null ? undefined : json(match[1]!);
  if (typeof name !== "string") throw new Fault("cannot read the machine", 'write: .machine "name" <64 hex digits>');
  return { name, hash: match![2]! };
}

function model(rest: string): string {
  const value = json(rest);
  if (typeof value !== "string") throw new Fault("the model's name is no string", 'write: .model "name"');
  return value;
}

function word(rest: string): number {
  const [value] = numbers(rest, ".word 0x…") as [number];
  if (value >= 2 ** 32) throw new Fault("the word has more than 32 bits", "write: .word 0x…");
  return value;
}

const DIRECTIVES: Readonly<Record<string, (s: State, rest: string) => void>> = {
  ".format": (s, rest) => {
    [s.formatVersion] = numbers(rest, ".format VERSION") as [number];
    if (s.formatVersion !== FORMAT_VERSION) {
      throw new Fault(`unknown format version ${s.formatVersion}`, `write: .format ${FORMAT_VERSION}`);
    }
  },
  ".machine": (s, rest) => {
    s.machine = machine(rest);
  },
  ".rodata": (s, rest) => {
    [s.rodataAddress] = numbers(rest, ".rodata ADDRESS") as [number];
  },
  ".base64": (s, rest) => void s.rodata.push(base64(rest)),
  ".bss": (s, rest) => {
    const [address, size] = numbers(rest, ".bss ADDRESS SIZE") as [number, number];
    s.bss = { address, size };
  },
  ".input": (s, rest) => void s.inputs.push(io(json(rest))),
  ".output": (s, rest) => void s.outputs.push(io(json(rest))),
  ".model": (s, rest) => {
    s.model = model(rest);
  },
  ".node": (s, rest) => void s.nodes.push(debug("nodes", rest)),
  ".block": (s, rest) => void s.blocks.push(debug("blocks", rest)),
  ".range": (s, rest) => void s.ranges.push(debug("ranges", rest)),
  ".tensor": (s, rest) => void s.tensors.push(debug("tensors", rest)),
  ".text": () => undefined,
  ".word": (s, rest) => void s.words.push(word(rest)),
  ".end": (s) => {
    if (s.open === undefined) throw new Fault(".end without a label before it", "remove it");
    closeSymbol(s);
  },
};

/** Cuts a comment, which begins at the first `;` outside a string. */
function stripComment(line: string): string {
  if (!line.includes(";")) return line;
  const match = /^(?:[^";]+|"(?:[^"\\]+|\\.)*"?)*/.exec(line);
  return match![0];
}

const LABEL = /^(?:([A-Za-z_$][\w.$]*)|("(?:[^"\\]|\\.)*"))\s*:$/;

function label(s: State, bare: string | undefined, quoted: string | undefined): void {
  const name = bare ?? String(json(quoted!));
  if (name === "") throw new Fault("the label has no name", 'write: name: or "name":');
  if (s.open?.name === name || s.symbols.some((x) => x.name === name)) {
    throw new Fault(`label ${name} is defined twice`, "give it another name");
  }
  closeSymbol(s);
  s.open = { name, start: s.words.length };
}

function assembleLine(s: State, line: string): void {
  const labelled = LABEL.exec(line);
  if (labelled !== null) label(s, labelled[1], labelled[2]);
  else if (line.startsWith(".")) directive(s, line);
  else s.words.push(parseWord(line));
}

function directive(s: State, line: string): void {
  const [, name, rest] = /^(\S+)\s*(.*)$/s.exec(line)!;
  if (!Object.hasOwn(DIRECTIVES, name!)) {
    throw new Fault(`unknown directive ${name}`, `did you mean ${nearest(name!, Object.keys(DIRECTIVES))}?`);
  }
  DIRECTIVES[name!]!(s, rest!);
}

function diagnose(line: number, e: unknown): AsmDiagnostic {
  if (e instanceof Fault) return { line, message: e.message, hint: e.hint };
  if (e instanceof ShapeError) return { line, message: e.message, hint: "see docs/isa.md, section Object file" };
  throw e;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function machineOf(s: State): Machine {
  if (s.machine === undefined) throw new Fault("there is no .machine", 'add: .machine "name" <64 hex digits>');
  return s.machine;
}

function finish(s: State, machine: Machine): AccelObject {
  closeSymbol(s);
  const object: AccelObject = {
    formatVersion: s.formatVersion,
    machineName: machine.name,
    machineHash: machine.hash,
    text: Uint32Array.from(s.words),
    symbols: s.symbols,
    rodata: concat(s.rodata),
    rodataAddress: s.rodataAddress,
    bssAddress: s.bss.address,
    bssSize: s.bss.size,
    io: { inputs: s.inputs, outputs: s.outputs },
    debug: { model: s.model, nodes: s.nodes, blocks: s.blocks, ranges: s.ranges, tensors: s.tensors },
  };
  checkObject(object);
  return object;
}

class Collector {
  readonly found: AsmDiagnostic[] = [];

  attempt<T>(line: number, act: () => T): T | undefined {
    try {
      return act();
    } catch (e) {
      this.found.push(diagnose(line, e));
      return undefined;
    }
  }
}

function readLines(lines: readonly string[], errors: Collector): State {
  const state = initial();
  lines.forEach((raw, i) => {
    const line = stripComment(raw).trim();
    if (line !== "") errors.attempt(i + 1, () => assembleLine(state, line));
  });
  return state;
}

/** Object of a text as `formatObject` writes it. Throws AsmError with all errors. */
export function parseObject(text: string): AccelObject {
  const errors = new Collector();
  const lines = text.split("\n");
  const state = readLines(lines, errors);
  const machine = errors.attempt(lines.length, () => machineOf(state));
  const complete = machine !== undefined && errors.found.length === 0;
  const object = complete ? errors.attempt(lines.length, () => finish(state, machine)) : undefined;
  if (object === undefined) throw new AsmError(errors.found);
  return object;
}

/** Bytes of the object file of a text. Throws AsmError with all errors. */
export const assembleObject = (text: string): Uint8Array => writeElf(parseObject(text));

/** Words of a text of instructions, labels and `.word`; needs no `.machine`. Throws AsmError with all errors. */
export function assemble(text: string): Uint32Array {
  const errors = new Collector();
  const state = readLines(text.split("\n"), errors);
  if (errors.found.length > 0) throw new AsmError(errors.found);
  return Uint32Array.from(state.words);
}
