import { type BlockCycles, load, type SimulationReport, simulate, type TrafficByPort } from "@accelc/emulator";
import { EXIT } from "../exit.js";
import { readBytes } from "../files.js";
import { type Io, pathIn } from "../io.js";
import { machineNamed } from "../machine-file.js";
import { grouped, plural, table } from "../text.js";

export interface SimulateFlags {
  readonly json?: boolean;
  readonly target?: string;
  readonly maxCycles?: number;
}

export async function simulateCommand(io: Io, file: string, flags: SimulateFlags): Promise<number> {
  const elf = readBytes(pathIn(io, file), file);
  const program = flags.target === undefined ? load(elf) : load(elf, await machineNamed(io, flags.target));
  const report = simulate(program, undefined, flags.maxCycles === undefined ? {} : { maxEvents: flags.maxCycles });
  io.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : simulationText(report));
  return EXIT.done;
}

const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;
const bytesOf = (t: TrafficByPort, key: "read" | "written"): number =>
  Object.values(t).reduce((sum, port) => sum + port[key], 0);

const blockRow = (b: BlockCycles): string[] => [
  String(b.id),
  b.name,
  grouped(b.cycles),
  b.boundBy,
  percent(b.utilization),
  percent(b.cycles === 0 ? 0 : b.busy.tandem / b.cycles),
  String(b.tiles),
  grouped(bytesOf(b.dramBytes, "read")),
  grouped(bytesOf(b.dramBytes, "written")),
];

/** The four most frequent vector instructions. */
function mix(issues: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(issues).sort(([, a], [, b]) => b - a);
  const total = sorted.reduce((n, [, k]) => n + k, 0);
  const shown = sorted.slice(0, 4).map(([op, n]) => `${op} ${percent(n / total)}`);
  return total === 0 ? "none" : `${grouped(total)} (${shown.join(", ")})`;
}

function simulationText(r: SimulationReport): string {
  const head = ["block", "result", "cycles", "bound by", "array", "Tandem", "tiles", "bytes read", "bytes written"];
  const asked = r.macUtilization === null ? "" : `${percent(r.macUtilization)} asked for by the model, `;
  const totals = [
    ["cycles", `${grouped(r.cycles)}, ${(r.seconds * 1e3).toPrecision(4)} ms on ${r.machine}`],
    [
      "array",
      `${percent(r.utilization)} of its multiply-accumulates issued, ${asked}${percent(r.busy.systolic / r.cycles)} of the time busy`,
    ],
    ["Tandem", `${percent(r.tandemShare)} of the time busy`],
    ["DRAM", `${percent(r.busy.dram / r.cycles)} of the time busy, ${grouped(r.events.dramBytes)} bytes`],
    ["vector instructions", mix(r.vectorInstructions)],
    [
      "energy",
      r.energy.total === null
        ? "unknown: the machine names no energy per event"
        : `${grouped(Math.round(r.energy.total))} times one multiply-accumulate`,
    ],
  ];
  return `${table([head, ...r.blocks.map(blockRow)])}\n${plural(r.blocks.length, "block")}\n${table(totals)}`;
}
