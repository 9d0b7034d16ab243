import { AccelcError, CompilerBug } from "@accelc/ir";

/** The compiler's stages in order; `link` writes the ELF file. */
export const STAGES = ["import", "canonicalize", "calibrate", "quantize", "lower", "link"] as const;
export type Stage = (typeof STAGES)[number];

export type OnStage = (stage: Stage, fraction?: number) => void;

/** Seconds per stage and in all. */
export interface Clock {
  readonly seconds: Record<string, number> & { total: number };
  /** Times `work`, and names the stage in whatever unexpected it throws. */
  time<T>(stage: Stage, work: () => T | Promise<T>): Promise<T>;
}

const CODED = /^[A-Z]{2}\d{4}$/;

/** A fault of the user's input: carries a code and a remedy. Everything else is a defect of the stage. */
function blame(e: unknown, stage: Stage): unknown {
  if (e instanceof AccelcError || e instanceof CompilerBug) return e;
  if (e instanceof Error && CODED.test((e as { code?: string }).code ?? "")) return e;
  const bug = new CompilerBug(stage, e instanceof Error ? e.message : String(e));
  bug.cause = e;
  return bug;
}

export function startClock(onStage: OnStage | undefined): Clock {
  const begin = performance.now();
  const seconds: Clock["seconds"] = { total: 0 };
  return {
    seconds,
    async time(stage, work) {
      onStage?.(stage);
      const start = performance.now();
      try {
        return await work();
      } catch (e) {
        throw blame(e, stage);
      } finally {
        const now = performance.now();
        seconds[stage] = (now - start) / 1000;
        seconds.total = (now - begin) / 1000;
      }
    },
  };
}
