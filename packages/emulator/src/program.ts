import {
  type AccelObject,
  checkObject,
  type DebugNode,
  ElfError,
  FORMAT_VERSION,
  readElf,
  ShapeError,
} from "@accelc/isa";
import { type MachineDescription, MachineError, machineHash, machinePreset } from "@accelc/machine";
import type { Image } from "./arena.js";
import type { RunResult } from "./batch.js";
import { ELEMENT_TYPES } from "./element-types.js";
import { emulatorError, type TrapLocation } from "./errors.js";
import type { HostInputs } from "./inputs.js";
import { createSession, type RunOptions, type Session, type SessionOptions } from "./session.js";
import type { Locate } from "./state.js";
import { type Block, type Structure, scan } from "./structure.js";

export interface LoadedProgram {
  readonly object: AccelObject;
  /** Holds .rodata, and sessions work in it; else each has a memory and a copy of its own. */
  readonly memory: WebAssembly.Memory | undefined;
  readonly machine: MachineDescription;
  readonly structure: Structure;
  readonly locate: Locate;
}

export interface Program extends LoadedProgram {
  readonly blocks: readonly Block[];
  /** A machine of its own with this program, to be used for many runs. Throws EmulatorError where DRAM is too large. */
  readonly session: (options?: SessionOptions) => Session;
  /** One session, one run. */
  readonly run: (inputs: HostInputs, options?: RunOptions) => RunResult;
}

/** A description, or a way to find one by name. */
export type MachineSource = MachineDescription | ((name: string) => MachineDescription | undefined);

/**
 * Reads a binary: checks format version and machine hash, decodes every word, finds the blocks.
 * Without `machine`, the preset of the name in the binary. Throws EmulatorError, and Trap for an undefined word.
 */
export function load(elf: Uint8Array, machine: MachineSource = findPreset): Program {
  return loadChecked(parse(elf), machine);
}

/** As `load`, for a binary that was read into an image: its sessions work there, and may belong to several threads. */
export function loadImage(image: Image, machine: MachineSource = findPreset): Program {
  return loadChecked(parse(image.bytes), machine, image.memory);
}

/** As `load`, from an object that was not written to bytes. */
export function loadObject(object: AccelObject, machine: MachineSource = findPreset): Program {
  if (object.formatVersion === FORMAT_VERSION) asFormat(() => checkObject(object));
  return loadChecked(object, machine);
}

/**
 * As `load`, from an object that keeps its invariants.
 *
 * @param memory where `object.rodata` is a view on WebAssembly memory: that memory, for sessions to work in
 */
export function loadChecked(
  object: AccelObject,
  machine: MachineSource = findPreset,
  memory?: WebAssembly.Memory,
): Program {
  if (object.formatVersion !== FORMAT_VERSION) {
    throw emulatorError("version", { found: object.formatVersion, expected: FORMAT_VERSION });
  }
  const description = resolveMachine(object, machine);
  for (const { name, elementType } of [...object.io.inputs, ...object.io.outputs]) {
    if (!Object.hasOwn(ELEMENT_TYPES, elementType))
      throw emulatorError("format", { reason: `${name} has type ${elementType}` });
  }
  const loaded = decodeObject(object, description, memory);
  const { structure } = loaded;
  const session: Program["session"] = (options) => createSession(loaded, options);
  return { ...loaded, blocks: structure.blocks, session, run: (inputs, options) => session().run(inputs, options) };
}

/** The blocks of an object's words: enough to simulate it, whatever the types of its inputs and outputs. */
export function decodeObject(
  object: AccelObject,
  machine: MachineDescription,
  memory?: WebAssembly.Memory,
): LoadedProgram {
  const locate = locator(object);
  return { object, machine, structure: scan(object.text, locate), locate, memory };
}

function asFormat<T>(read: () => T): T {
  try {
    return read();
  } catch (e) {
    if (e instanceof ElfError || e instanceof ShapeError) throw emulatorError("format", { reason: e.message });
    throw e;
  }
}

const parse = (elf: Uint8Array): AccelObject => asFormat(() => readElf(elf));

function findPreset(name: string): MachineDescription | undefined {
  try {
    return machinePreset(name);
  } catch (e) {
    if (e instanceof MachineError) return undefined;
    throw e;
  }
}

function resolveMachine(object: AccelObject, source: MachineSource): MachineDescription {
  const { machineName: name, machineHash: found } = object;
  const machine = typeof source === "function" ? source(name) : source;
  if (machine === undefined) throw emulatorError("machineUnknown", { name });
  const expected = machineHash(machine);
  if (expected !== found) throw emulatorError("machineHash", { name, found, given: machine.name, expected });
  return machine;
}

/** Finds the ONNX node of a word in the debug table, and the block where the caller does not know it. */
function locator(object: AccelObject): Locate {
  const { nodes, ranges, blocks } = object.debug;
  const inside = (address: number) => (r: { readonly start: number; readonly words: number }) =>
    address >= r.start && address < r.start + r.words;
  return (address, block): TrapLocation => {
    const id = ranges.find(inside(address))?.node;
    const node: DebugNode | undefined = nodes.find((n) => n.id === id);
    const known = block >= 0 ? block : blocks.findIndex(inside(address));
    return { address, block: known, node: node?.name, op: node?.op };
  };
}
