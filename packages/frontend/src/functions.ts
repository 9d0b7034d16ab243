import { type Diagnostic, diag } from "@accelc/ir";
import {
  type AttributeProto,
  type FunctionProto,
  type GraphProto,
  type Int64,
  type ModelProto,
  type NodeProto,
  toNumber,
} from "./proto.js";
import { normalDomain } from "./scope.js";
import { nodeLoc } from "./structure.js";

/** A graph without calls of the model's own functions, and the opsets of the nodes that came from their bodies. */
export interface Inlined {
  readonly graph: GraphProto;
  readonly opsets: ReadonlyMap<NodeProto, ReadonlyMap<string, number>>;
  readonly problems: readonly Diagnostic[];
}

const key = (domain: string | null | undefined, name: string | null | undefined, overload?: string | null): string =>
  `${normalDomain(domain)}:${name ?? ""}:${overload ?? ""}`;

export function opsetsOf(
  imports: readonly { readonly domain?: string | null; readonly version?: unknown }[] | null | undefined,
): Map<string, number> {
  return new Map((imports ?? []).map((o) => [normalDomain(o.domain), toNumber(o.version as Int64)]));
}

interface Inlining {
  readonly model: string;
  readonly functions: ReadonlyMap<string, FunctionProto>;
  readonly opsets: Map<NodeProto, ReadonlyMap<string, number>>;
  readonly problems: Diagnostic[];
  calls: number;
}

/** What a body's names and attributes stand for at one call. */
interface Call {
  readonly rename: (name: string) => string;
  readonly attributes: ReadonlyMap<string, AttributeProto>;
  readonly opsets: ReadonlyMap<string, number> | undefined;
  readonly path: readonly string[];
  readonly prefix: string;
}

const same = (name: string): string => name;
const OUTERMOST: Call = { rename: same, attributes: new Map(), opsets: undefined, path: [], prefix: "" };

/** Calls that a model may make, those inside functions included. */
const MOST_CALLS = 2 ** 16;

/** Replaces every call of a function that the model defines by the function's body, names made unique per call. */
export function inlineFunctions(model: ModelProto, modelName: string): Inlined {
  const functions = new Map(
    ((model.functions ?? []) as readonly FunctionProto[]).map((f) => [key(f.domain, f.name, overload(f)), f] as const),
  );
  const state: Inlining = { model: modelName, functions, opsets: new Map(), problems: [], calls: 0 };
  const graph = model.graph ?? {};
  return {
    graph: functions.size === 0 ? graph : inGraph(graph, OUTERMOST, state),
    opsets: state.opsets,
    problems: state.problems,
  };
}

const overload = (x: FunctionProto | NodeProto): string => (x as { overload?: string | null }).overload ?? "";

function inGraph(g: GraphProto, call: Call, state: Inlining): GraphProto {
  const renamed = <T extends { readonly name?: string | null }>(list: readonly T[] | null | undefined): T[] =>
    (list ?? []).map((t) => ({ ...t, name: call.rename(t.name ?? "") }));
  return {
    ...g,
    node: (g.node ?? []).flatMap((node, i) => inNode(node, i, call, state)),
    ...(call === OUTERMOST
      ? {}
      : { input: renamed(g.input), output: renamed(g.output), initializer: renamed(g.initializer) }),
  };
}

/** The node under the call's names and attributes, or the body of the function it calls. */
function inNode(node: NodeProto, index: number, call: Call, state: Inlining): NodeProto[] {
  const own: NodeProto = {
    ...node,
    name: call === OUTERMOST ? (node.name ?? "") : `${call.prefix}${node.name || `${node.opType} #${index}`}`,
    input: (node.input ?? []).map(call.rename),
    output: (node.output ?? []).map(call.rename),
    attribute: (node.attribute ?? []).flatMap((a) => inAttribute(a, call, state)),
  };
  const name = key(node.domain, node.opType, overload(node));
  const body = state.functions.get(name);
  if (!body) {
    if (call.opsets) state.opsets.set(own, call.opsets);
    return [own];
  }
  const loc = nodeLoc(state.model, own, index);
  if (call.path.includes(name) || ++state.calls > MOST_CALLS) {
    const nodes = [...call.path, name].map((k) => k.split(":")[1]).join(", ");
    state.problems.push(diag("FE2003", loc, { nodes }, "a function must not call itself"));
    return [];
  }
  return expanded(own, body, { name, node: loc.node, path: call.path }, state);
}

/** The attribute with the caller's value where it refers to one; none where the caller gives none. */
function inAttribute(a: AttributeProto, call: Call, state: Inlining): AttributeProto[] {
  if (a.refAttrName) {
    const given = call.attributes.get(a.refAttrName);
    return given ? [{ ...given, name: a.name ?? "" }] : [];
  }
  if (!a.g && !a.graphs?.length) return [a];
  return [
    {
      ...a,
      ...(a.g ? { g: inGraph(a.g, call, state) } : {}),
      ...(a.graphs?.length ? { graphs: a.graphs.map((g) => inGraph(g, call, state)) } : {}),
    },
  ];
}

interface Site {
  readonly name: string;
  readonly node: string;
  readonly path: readonly string[];
}

function expanded(node: NodeProto, body: FunctionProto, site: Site, state: Inlining): NodeProto[] {
  const prefix = `${site.node}/`;
  const unique = `${prefix}${state.calls}/`;
  const names = new Map<string, string>();
  (body.input ?? []).forEach((name, i) => {
    names.set(name, node.input?.[i] ?? "");
  });
  const copies: NodeProto[] = [];
  (body.output ?? []).forEach((name, i) => {
    const outside = node.output?.[i] ?? "";
    if (outside === "") return;
    if (names.has(name))
      copies.push({ opType: "Identity", input: [names.get(name)!], output: [outside], attribute: [] });
    else names.set(name, outside);
  });
  const defaults = body.attributeProto ?? [];
  const call: Call = {
    rename: (name) => (name === "" ? "" : (names.get(name) ?? `${unique}${name}`)),
    attributes: new Map([...defaults, ...(node.attribute ?? [])].map((a) => [a.name ?? "", a])),
    opsets: opsetsOf(body.opsetImport),
    path: [...site.path, site.name],
    prefix,
  };
  return [...(body.node ?? []).flatMap((n, i) => inNode(n, i, call, state)), ...copies];
}
