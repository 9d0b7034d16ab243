/**
 * On-chip residency between blocks: which tensors the next GEMM finds in IBUF, where the block that computes them wrote them,
 * instead of passing DRAM. Decided by dynamic programming over chains of links, on what the blocks cost either way.
 */
import type { Block, ComputeBlock, TensorId } from "@accelc/ir";
import { leastRows } from "./input-image.js";
import { type Fit, fit, reading, writing } from "./residency-blocks.js";
import { findLinks, type Link } from "./residency-links.js";
import { type Cost, type Objective, score } from "./search.js";
import type { Draft, TensorTable } from "./tensors.js";

type Compute = Omit<ComputeBlock, "id">;

/** Where block `to` finds the input of its GEMM: in rows of IBUF that block `from` wrote (`shared`: and to DRAM), or in DRAM. */
export type Residency = { readonly to: number; readonly tensor: TensorId } & (
  | { readonly place: "IBUF"; readonly from: number; readonly shared: boolean; readonly rows: number }
  | { readonly place: "DRAM"; readonly reason: string }
);

export interface ResidencyContext {
  readonly table: TensorTable;
  readonly outputs: readonly TensorId[];
  /** Rows of a half of IBUF, bytes of a row. */
  readonly halfRows: number;
  readonly rowBytes: number;
  readonly objective: Objective;
  /** Keep what fits whatever it costs. */
  readonly always: boolean;
  /** What a block costs behind one that costs `before`; undefined where nothing is measured. */
  readonly measured: (block: Compute, before: Cost | undefined) => Cost | undefined;
  /** Other mappings of block `i`, the cheapest first. */
  readonly alternatives: (i: number) => readonly Compute[];
}

export interface Resident {
  readonly blocks: readonly Draft<Block>[];
  readonly costs: readonly (Cost | undefined)[];
  readonly residencies: readonly Residency[];
}

/** Sums to be compared in order: links kept where all are to be, the objective, cycles. */
type Total = readonly [number, number, number];
const less = (a: Total, b: Total): boolean => {
  const at = a.findIndex((x, i) => x !== b[i]);
  return at >= 0 && a[at]! < b[at]!;
};

/** A way to do a chain up to and without block `block`: what the input of `block` is, and the blocks ahead. */
interface Way {
  readonly candidate: number;
  readonly input: Fit | undefined;
  readonly total: Total;
  readonly done: readonly Done[];
}

interface Done {
  readonly block: Compute;
  readonly cost: Cost | undefined;
}

class Chain {
  /** Its blocks, by their numbers. */
  readonly members: readonly number[];
  private readonly candidates: Compute[][];

  constructor(
    private readonly c: ResidencyContext,
    readonly links: readonly Link[],
    blocks: readonly Draft<Block>[],
    private readonly costs: readonly (Cost | undefined)[],
  ) {
    this.members = [links[0]!.from, ...links.map((l) => l.to)];
    this.candidates = this.members.map((i) => [blocks[i] as Compute]);
    links.forEach((_, k) => {
      this.widen(k);
    });
  }

  private fit(k: number, from: Compute, to: Compute, input?: Fit): Fit | string {
    const { halfRows, rowBytes } = this.c;
    return fit(input ? reading(from, input) : from, to, this.links[k]!, halfRows, rowBytes);
  }

  /** Why link `k` fits under none of the candidates, the writer's own input loaded; undefined where it does. */
  obstacle(k: number): string | undefined {
    const [writers, readers] = [this.candidates[k]!, this.candidates[k + 1]!];
    const found = writers.flatMap((a) => readers.map((b) => this.fit(k, a, b)));
    return found.every((f) => typeof f === "string") ? found[0] : undefined;
  }

  /** Adds mappings of both ends under which link `k` fits, where those that were chosen do not. */
  private widen(k: number): void {
    const { from, to } = this.links[k]!;
    const [writers, readers] = [this.candidates[k]!, this.candidates[k + 1]!];
    const [reader] = readers as [Compute];
    if (this.obstacle(k) === undefined || leastRows(reader, reader.gemm!) > this.c.halfRows) return;
    const ways: readonly (readonly [() => readonly Compute[], () => readonly Compute[]])[] = [
      [() => this.c.alternatives(from), () => readers],
      [() => writers, () => this.c.alternatives(to)],
    ];
    for (const [as, bs] of ways)
      for (const a of as())
        for (const b of bs()) {
          if (typeof this.fit(k, a, b) === "string") continue;
          if (!writers.includes(a)) writers.push(a);
          if (!readers.includes(b)) readers.push(b);
          return;
        }
  }

  /** What the block in front of member `k` costs, where it is the member before or none. */
  private before(way: Way, k: number): Cost | undefined {
    const at = this.members[k]! - 1;
    return at === this.members[k - 1] ? way.done.at(-1)?.cost : this.costs[at];
  }

  /** The blocks of the chain as they cost least. */
  solve(): readonly Done[] {
    let ways: readonly Way[] = this.candidates[0]!.map((_, candidate) => ({
      candidate,
      input: undefined,
      total: [0, 0, 0],
      done: [],
    }));
    this.links.forEach((_, k) => {
      ways = this.step(k, ways);
    });
    const ends = ways.map((w) => this.finish(w, this.links.length));
    return ends.reduce((a, b) => (less(b.total, a.total) ? b : a)).done;
  }

  private block(way: Way, k: number): Compute {
    const plain = this.candidates[k]![way.candidate]!;
    return way.input ? reading(plain, way.input) : plain;
  }

  private finish(way: Way, k: number, block = this.block(way, k)): Pick<Way, "total" | "done"> {
    const { always, objective, measured } = this.c;
    const cost = measured(block, this.before(way, k));
    const [links, sum, cycles] = way.total;
    return {
      total: [
        links - (always && way.input ? 1 : 0),
        sum + (cost ? score(cost, objective) : 0),
        cycles + (cost?.cycles ?? 0),
      ],
      done: [...way.done, { block, cost }],
    };
  }

  private step(k: number, ways: readonly Way[]): readonly Way[] {
    const best = new Map<string, Way>();
    const offer = (w: Way): void => {
      const key = `${w.candidate} ${w.input?.row}`;
      const known = best.get(key);
      if (known === undefined || less(w.total, known.total)) best.set(key, w);
    };
    for (const way of ways) {
      const apart = this.finish(way, k);
      this.candidates[k + 1]!.forEach((to, candidate) => {
        offer({ ...apart, candidate, input: undefined });
        const found = this.fit(k, this.candidates[k]![way.candidate]!, to, way.input);
        if (typeof found === "string") return;
        const block = writing(this.block(way, k), this.links[k]!, found);
        offer({ ...this.finish(way, k, block), candidate, input: found });
      });
    }
    return [...best.values()];
  }
}

/** Links that follow one another. */
function chains(links: readonly Link[]): readonly (readonly Link[])[] {
  const from = new Map(links.map((l) => [l.from, l]));
  const inner = new Set(links.map((l) => l.to));
  return links
    .filter((l) => !inner.has(l.from))
    .map((first) => {
      const chain = [first];
      for (let l = from.get(first.to); l; l = from.get(l.to)) chain.push(l);
      return chain;
    });
}

/** The program with tensors kept on chip where that costs less. Without measured costs, none or, where asked for, all that fit. */
export function keepOnChip(
  blocks: readonly Draft<Block>[],
  costs: readonly (Cost | undefined)[],
  c: ResidencyContext,
): Resident {
  const found = findLinks(blocks, c.table, c.outputs);
  const out = [...blocks];
  const costsOut = [...costs];
  const outcome = new Map<number, Residency>();
  for (const links of chains([...found.values()].filter((l) => typeof l !== "string"))) {
    const chain = new Chain(c, links, blocks, costs);
    const done = chain.solve();
    chain.members.forEach((i, k) => {
      out[i] = done[k]!.block;
      costsOut[i] = done[k]!.cost;
    });
    links.forEach(({ from, to, tensor, shared }, k) => {
      const { resident } = done[k + 1]!.block.gemm!;
      const place: Residency = resident
        ? { to, tensor, place: "IBUF", from, shared, rows: resident.rows }
        : { to, tensor, place: "DRAM", reason: chain.obstacle(k) ?? "costs no less on chip" };
      outcome.set(to, place);
    });
  }
  const residencies = [...found].map(([to, link]): Residency => {
    const { gemm } = blocks[to] as Compute;
    return typeof link === "string"
      ? { to, tensor: gemm!.input.tensor, place: "DRAM", reason: link }
      : outcome.get(to)!;
  });
  return { blocks: out, costs: costsOut, residencies };
}
