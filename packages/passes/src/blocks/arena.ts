/**
 * Addresses of activations in one arena: those in use at the same time do not overlap. Storages are placed one by one into
 * the tightest gap that takes them; the order decides, so several are tried and the least arena is taken.
 */

export interface Item {
  readonly id: number;
  readonly bytes: number;
  /** First and last block of its use, inclusive. */
  readonly live: readonly [number, number];
}

export interface Arena {
  /** Offset of every item. */
  readonly at: ReadonlyMap<number, number>;
  /** High-water mark. */
  readonly bytes: number;
  /** Most bytes in use at any one block: no arena is smaller. */
  readonly lowerBound: number;
  /** The order that gave it. */
  readonly order: string;
}

type Key = (x: Item) => number;

const lifetime: Key = (x) => x.live[1] - x.live[0] + 1;

/** Largest key first. */
const ORDERS: readonly { readonly name: string; readonly key: Key }[] = [
  { name: "size", key: (x) => x.bytes },
  { name: "size × lifetime", key: (x) => x.bytes * lifetime(x) },
  { name: "lifetime", key: lifetime },
  { name: "first use", key: (x) => -x.live[0] },
];

/** Orders by size with every size times a random factor in (1/2, 2), tried while the bound is not met. */
const RANDOM_ORDERS = 16;
const SEED = 1;
/** Comparisons of one random order grow with the square of the number of items: more than these are not tried. */
const MOST_PAIRS = 1 << 22;

/** Uniform in [0, 1), from a seed: mulberry32. */
function uniform(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Lowest address of the tightest gap of at least `bytes` between items that are in use at the same time. */
function bestGap(busy: readonly { readonly at: number; readonly bytes: number }[], bytes: number): number {
  const sorted = [...busy].sort((a, b) => a.at - b.at);
  let best: { at: number; slack: number } | undefined;
  let end = 0;
  for (const p of sorted) {
    const slack = p.at - end - bytes;
    if (slack >= 0 && (!best || slack < best.slack)) best = { at: end, slack };
    end = Math.max(end, p.at + p.bytes);
  }
  return best ? best.at : end;
}

function place(items: readonly Item[], key: Key): { readonly at: Map<number, number>; readonly bytes: number } {
  const keys = new Map(items.map((x) => [x, key(x)]));
  const order = [...items].sort((a, b) => keys.get(b)! - keys.get(a)! || b.bytes - a.bytes || a.id - b.id);
  const placed: (Item & { readonly at: number })[] = [];
  for (const x of order) {
    const busy = placed.filter((p) => p.live[0] <= x.live[1] && x.live[0] <= p.live[1]);
    placed.push({ ...x, at: bestGap(busy, x.bytes) });
  }
  return {
    at: new Map(placed.map((p) => [p.id, p.at])),
    bytes: placed.reduce((n, p) => Math.max(n, p.at + p.bytes), 0),
  };
}

/** Most bytes in use at one block. */
export function mostLive(items: readonly Item[]): number {
  const changes = new Map<number, number>();
  const change = (when: number, bytes: number) => changes.set(when, (changes.get(when) ?? 0) + bytes);
  for (const { bytes, live } of items) {
    change(live[0], bytes);
    change(live[1] + 1, -bytes);
  }
  let [now, most] = [0, 0];
  for (const [, bytes] of [...changes].sort(([a], [b]) => a - b)) {
    now += bytes;
    most = Math.max(most, now);
  }
  return most;
}

export function planArena(items: readonly Item[]): Arena {
  const lowerBound = mostLive(items);
  const random = uniform(SEED);
  const restarts = Math.min(RANDOM_ORDERS, Math.floor(MOST_PAIRS / Math.max(1, items.length ** 2)));
  const shuffled = Array.from({ length: restarts }, (_, i) => ({
    name: `random order ${i + 1}`,
    key: (x: Item) => x.bytes * 4 ** (random() - 0.5),
  }));
  let best: Omit<Arena, "lowerBound"> | undefined;
  for (const { name, key } of [...ORDERS, ...shuffled]) {
    if (best?.bytes === lowerBound) break;
    const found = place(items, key);
    if (!best || found.bytes < best.bytes) best = { ...found, order: name };
  }
  return { ...best!, lowerBound };
}
