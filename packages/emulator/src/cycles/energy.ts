import type { MachineDescription } from "@accelc/machine";
import type { DramPort } from "../stats.js";
import { noTraffic, type TrafficByPort } from "./counts.js";
import type { EnergyEvents, RelativeEnergy } from "./report.js";

export function addTraffic(list: readonly TrafficByPort[]): TrafficByPort {
  const sum = noTraffic();
  for (const t of list)
    for (const port of Object.keys(sum) as DramPort[]) {
      sum[port].read += t[port].read;
      sum[port].written += t[port].written;
    }
  return sum;
}

export const trafficBytes = (t: TrafficByPort): number =>
  Object.values(t).reduce((sum, { read, written }) => sum + read + written, 0);

const total = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

export const addEvents = (list: readonly EnergyEvents[]): EnergyEvents => ({
  macs: total(list.map((e) => e.macs)),
  laneOps: total(list.map((e) => e.laneOps)),
  sramBytes: addTraffic(list.map((e) => e.sramBytes)),
  dramBytes: total(list.map((e) => e.dramBytes)),
  instructionWords: total(list.map((e) => e.instructionWords)),
});

/** Events × the machine's relative energies. */
export function relativeEnergy(m: MachineDescription, e: EnergyEvents): RelativeEnergy {
  const { macInt8, laneOp, sramByte, dramByte, instructionWord } = m.energy;
  const of = (each: number | undefined, n: number) => (each === undefined ? null : each * n);
  const parts = {
    macs: of(macInt8, e.macs),
    laneOps: of(laneOp, e.laneOps),
    sramBytes: of(sramByte, trafficBytes(e.sramBytes)),
    dramBytes: of(dramByte, e.dramBytes),
    instructionWords: of(instructionWord, e.instructionWords),
  };
  const known = Object.values(parts).filter((p) => p !== null);
  return { ...parts, total: known.length === Object.keys(parts).length ? total(known) : null };
}
