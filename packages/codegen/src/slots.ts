/**
 * Slots that words set and that keep what they hold, from nest to nest, tile to tile and block to block: iterators of a
 * namespace, immediates. A region runs once per tile, so what it finds at its start is what the region before it left, or
 * what it left itself in the tile before. A value from before the region is therefore *held*: its slot keeps it to the
 * region's end. Values that the region sets are set again in every tile and may give way to others.
 */
import { CompilerBug } from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";

/** Begins the key of an iterator of which only the stride counts; the others are base, comma, stride. */
const ANY = "*";

/** Key of the iterator with a base and a stride; without a base, of any with the stride. */
export const iteratorKey = (base: number | undefined, stride: number): string => `${base ?? ANY},${stride}`;

export function iteratorOf(key: string): { readonly base: number | undefined; readonly stride: number } {
  const [base, stride] = key.split(",") as [string, string];
  return { base: base === ANY ? undefined : Number(base), stride: Number(stride) };
}

export class Slots {
  /** Least recently used first. */
  private readonly slotOf = new Map<string, number>();
  private readonly own = new Set<string>();
  private readonly held = new Set<string>();
  private readonly pinned = new Set<string>();

  /** `mostHeld`: so many slots may keep values from before a region; the others are enough for any nest. */
  constructor(
    private readonly size: number,
    private readonly mostHeld: number,
  ) {}

  beginRegion(): void {
    this.own.clear();
    this.held.clear();
    this.pinned.clear();
  }

  /** Values that the nest being emitted needs at a time are those taken since. */
  beginNest(): void {
    this.pinned.clear();
  }

  /** Whether a nest may need `keys` at a time. */
  fits(keys: ReadonlySet<string>): boolean {
    const others = [...this.held].filter((k) => !keys.has(k)).length;
    return keys.size + others <= this.size;
  }

  /** Whether `key` can be had without a word. */
  has(key: string): boolean {
    return this.lasting(this.match(key));
  }

  /** The slot of `key` and whether it must be set first. */
  take(key: string): { readonly slot: number; readonly fresh: boolean } {
    const found = this.match(key);
    const fresh = !this.lasting(found);
    const slot = found === undefined ? this.free() : this.slotOf.get(found)!;
    const name = fresh || found === undefined ? key : found;
    if (found !== undefined) this.slotOf.delete(found);
    this.slotOf.set(name, slot);
    this.pinned.add(name);
    if (fresh) this.own.add(name);
    else if (!this.own.has(name)) this.held.add(name);
    return { slot, fresh };
  }

  /** What serves for `key`: itself, or for any base with its stride the most lasting of those. */
  private match(key: string): string | undefined {
    if (this.slotOf.has(key) || !key.startsWith(ANY)) return this.slotOf.has(key) ? key : undefined;
    const end = key.slice(ANY.length);
    const serving = [...this.slotOf.keys()].filter((k) => k.endsWith(end));
    return serving.find((k) => this.own.has(k) || this.held.has(k)) ?? serving.at(-1);
  }

  private lasting(key: string | undefined): boolean {
    if (key === undefined) return false;
    return this.own.has(key) || this.held.has(key) || this.held.size < this.mostHeld;
  }

  private free(): number {
    if (this.slotOf.size < this.size) return this.slotOf.size;
    for (const [key, slot] of this.slotOf)
      if (!this.pinned.has(key) && !this.held.has(key)) {
        this.slotOf.delete(key);
        this.own.delete(key);
        return slot;
      }
    throw new CompilerBug("codegen", `one nest needs more than ${this.size} slots`);
  }
}

/** The iterators of each namespace and the immediates, as the words of a program leave them one after another. */
export class NestTables {
  readonly levels: number;
  readonly immediates: Slots;
  private readonly iterators = new Map<number, Slots>();

  constructor(readonly machine: MachineDescription) {
    const { loopLevels, immSlots } = machine.tandem;
    this.levels = loopLevels;
    this.immediates = new Slots(immSlots, immSlots >> 1);
  }

  /** Of a namespace. One instruction has at most two operands there. */
  iteratorsOf(ns: number): Slots {
    const { iteratorsPerNamespace } = this.machine.tandem;
    const known = this.iterators.get(ns);
    if (known) return known;
    const made = new Slots(iteratorsPerNamespace, Math.max(0, iteratorsPerNamespace - 2 * this.levels));
    this.iterators.set(ns, made);
    return made;
  }

  all(): readonly Slots[] {
    return [this.immediates, ...this.iterators.values()];
  }
}
