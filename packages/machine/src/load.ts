import { MachineError, type MachineProblem } from "./errors.js";
import { PRESETS } from "./presets.js";
import { joinedRules, type MachineDescription, machineSchema, valueAt } from "./schema.js";

type Json = Readonly<Record<string, unknown>>;

/** The JSON of a machine named by `extends`, as an object or as text; undefined where there is none of that name. */
export type MachineResolver = (name: string) => unknown;

const resolvePreset: MachineResolver = (name) => PRESETS.get(name);

/** Names of the presets, the default first. */
export function machineNames(): readonly string[] {
  return [...PRESETS.keys()];
}

const loaded = new Map<string, MachineDescription>();

/** The preset of that name. Throws MachineError MA1001 listing the known names. */
export function machinePreset(name: string): MachineDescription {
  const known = loaded.get(name);
  if (known) return known;
  const json = PRESETS.get(name);
  if (!json) throw unknownMachine(name);
  const machine = loadMachine(json);
  loaded.set(name, machine);
  return machine;
}

/**
 * Validates a machine description: a JSON value or its text. `extends` names a machine that `resolve` supplies or,
 * where it gives undefined, a preset; fields present override the extended ones key by key, except `name`, which is not inherited,
 * and the sources of overridden fields, which are dropped. The result is deeply frozen.
 * Throws MachineError; MA1003 lists every violated rule.
 */
export function loadMachine(json: unknown, resolve: MachineResolver = resolvePreset): MachineDescription {
  const merged = flatten(parse(json), resolve, []);
  const result = machineSchema.safeParse(merged, { reportInput: true });
  const issues = result.error?.issues ?? [];
  const broken = new Set(issues.map((i) => i.path.join(".")));
  const joined = joinedRules(merged).filter((i) => !broken.has(i.path.join(".")));
  if (result.success && joined.length === 0) return deepFreeze(result.data) as MachineDescription;
  throw brokenRules(merged, [...issues, ...joined]);
}

function parse(json: unknown): Json {
  let value = json;
  if (typeof json === "string") {
    try {
      value = JSON.parse(json);
    } catch (e) {
      throw new MachineError("MA1002", (e as Error).message, "A machine description is one JSON object.");
    }
  }
  if (isObject(value)) return value;
  const kind = value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
  throw new MachineError("MA1002", `got ${kind}`, "A machine description is one JSON object.");
}

function flatten(json: Json, resolve: MachineResolver, seen: readonly string[]): Json {
  const { extends: base, ...own } = json;
  if (base === undefined) return own;
  if (typeof base !== "string") throw brokenRules(json, [{ path: ["extends"], message: "must be a machine's name" }]);
  const chain = [...seen, base];
  if (seen.includes(base)) throw new MachineError("MA1004", chain.join(" → "), "Remove one `extends` of the circle.");
  const parentJson = resolve(base) ?? resolvePreset(base);
  if (parentJson === undefined) throw unknownMachine(base);
  const { name: _, sources, ...parent } = flatten(parse(parentJson), resolve, chain);
  const merged = merge(parent, own);
  return { ...merged, sources: { ...inheritedSources(sources, own), ...(isObject(own.sources) ? own.sources : {}) } };
}

function merge(parent: Json, child: Json): Json {
  const out: Record<string, unknown> = { ...parent };
  for (const [key, value] of Object.entries(child)) {
    const old = out[key];
    out[key] = isObject(value) && isObject(old) ? merge(old, value) : value;
  }
  return out;
}

function inheritedSources(sources: unknown, own: Json): Json {
  if (!isObject(sources)) return {};
  return Object.fromEntries(Object.entries(sources).filter(([path]) => valueAt(own, path.split(".")) === undefined));
}

function unknownMachine(name: string): MachineError {
  return new MachineError("MA1001", name, `Known machines: ${machineNames().join(", ")}; or give a JSON file.`);
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly code?: string;
  readonly keys?: readonly string[];
}

function brokenRules(root: unknown, issues: readonly Issue[]): MachineError {
  const problems = issues.flatMap((i) => toProblems(root, i));
  const lines = problems.map((p) => `  ${p.path || "(top)"}: ${p.rule} (found ${show(p.actual)})`);
  const name = valueAt(root, ["name"]);
  const title = typeof name === "string" ? name : "machine";
  return new MachineError("MA1003", [title, ...lines].join("\n"), "docs/machine.md lists every field.", problems);
}

function toProblems(root: unknown, issue: Issue): MachineProblem[] {
  const at = (path: readonly PropertyKey[], rule: string) => ({
    path: path.map(String).join("."),
    rule,
    actual: valueAt(root, path),
  });
  if (issue.code !== "unrecognized_keys" || !issue.keys) return [at(issue.path, issue.message)];
  return issue.keys.map((key) => at([...issue.path, key], "unknown field"));
}

function show(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) for (const v of Object.values(Object.freeze(value))) deepFreeze(v);
  return value;
}
