import { consumersOf, type Graph, isGemm } from "@accelc/ir";
import { classesOf } from "./classes.js";

/**
 * The convolutions and matrix products of a canonical float graph by ONNX node name, in graph order, those together that read
 * the same stored value: what is stored in one format saves nothing where another reads it in a wider one.
 */
export function layerGroups(g: Graph): readonly (readonly string[])[] {
  const classes = classesOf(g);
  const consumers = consumersOf(g);
  const parent = new Map<string, string>();
  const find = (name: string): string => {
    let at = name;
    while (parent.get(at) !== at) at = parent.get(at)!;
    return at;
  };
  const readers = new Map<string, string>();
  for (const n of g.nodes) {
    if (!isGemm(n)) continue;
    const name = n.loc.node;
    if (!parent.has(name)) parent.set(name, name);
    for (const x of n.inputs.slice(0, 2)) {
      if (g.values.get(x)!.data || !consumers.has(x)) continue;
      const stored = classes.find(x);
      const other = readers.get(stored);
      if (other === undefined) readers.set(stored, name);
      else parent.set(find(name), find(other));
    }
  }
  const groups = new Map<string, string[]>();
  for (const name of parent.keys()) groups.set(find(name), [...(groups.get(find(name)) ?? []), name]);
  return [...groups.values()];
}
