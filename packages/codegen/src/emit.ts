/** Collects instruction words with the ONNX node each belongs to, in regions whose length is filled in at their end. */
import type { Loc } from "@accelc/ir";
import { encode, type Inst, type UNIT } from "@accelc/isa";

export interface WordRange {
  readonly start: number;
  readonly words: number;
  readonly loc: Loc;
}

export type UnitCode = (typeof UNIT)[keyof typeof UNIT];

export class Emitter {
  private readonly words: number[] = [];
  private readonly marks: { start: number; loc: Loc }[] = [];
  private opened: { at: number; unit: UnitCode; group: number } | undefined;

  get position(): number {
    return this.words.length;
  }

  emit(inst: Inst): void {
    this.words.push(encode(inst));
  }

  /** Words from here on belong to `loc`. */
  at(loc: Loc): void {
    const last = this.marks.at(-1);
    if (last?.loc === loc) return;
    if (last?.start === this.position) this.marks.pop();
    this.marks.push({ start: this.position, loc });
  }

  beginRegion(unit: UnitCode, group: number): void {
    this.opened = { at: this.position, unit, group };
    this.words.push(0);
  }

  endRegion(): void {
    const r = this.opened;
    if (!r) throw new Error("no open region");
    this.emit({ op: "sync_end", unit: r.unit, buf: 0, group: r.group });
    const count = this.position - r.at - 1;
    this.words[r.at] = encode({ op: "sync_start", unit: r.unit, buf: 0, group: r.group, count });
    this.opened = undefined;
  }

  finish(): { readonly text: Uint32Array; readonly ranges: readonly WordRange[] } {
    const ranges = this.marks.map((m, i) => ({ ...m, words: (this.marks[i + 1]?.start ?? this.position) - m.start }));
    return { text: Uint32Array.from(this.words), ranges };
  }
}

/** The two 16-bit halves of a 32-bit value. */
export const low = (x: number): number => x & 0xffff;
export const high = (x: number): number => (x >>> 16) & 0xffff;
