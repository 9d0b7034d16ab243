import { buildZoo, ZOO, type ZooNetwork, type ZooOptions, zooData, zooNetwork, zooProblem } from "@accelc/zoo";
import { EXIT, UsageError } from "../exit.js";
import { checkWritable, makeFolder, writeFiles } from "../files.js";
import { type Io, pathIn } from "../io.js";
import { tensorFiles } from "../tensor/output.js";
import { grouped, plural, table } from "../text.js";

export interface ZooFlags {
  readonly output?: string;
  readonly list?: boolean;
  readonly json?: boolean;
  readonly batch?: number;
  readonly resolution?: number;
  readonly sequence?: number;
  readonly layers?: number;
  readonly attentionMask?: boolean;
  readonly seed: number;
  readonly calibDir?: string;
  readonly calibSamples: number;
  readonly quiet?: boolean;
}

export async function zooCommand(io: Io, name: string, flags: ZooFlags): Promise<number> {
  if (flags.list) {
    io.stdout.write(list(flags.json === true));
    return EXIT.done;
  }
  const network = networkNamed(name);
  const options = optionsOf(flags);
  const problem = zooProblem(network, options);
  if (problem !== undefined) throw new UsageError(problem);
  const shown = flags.output ?? `${network.name}.onnx`;
  const path = pathIn(io, shown);
  checkWritable(path, shown);
  if (flags.calibDir !== undefined) makeFolder(pathIn(io, flags.calibDir), flags.calibDir);
  const content = buildZoo(network, options);
  const data = Object.entries(flags.calibDir === undefined ? {} : zooData(network, options, flags.calibSamples));
  writeFiles([
    { path, shown, content },
    ...(flags.calibDir === undefined ? [] : tensorFiles(pathIn(io, flags.calibDir), flags.calibDir, data)),
  ]);
  if (flags.quiet) return EXIT.done;
  io.stdout.write(`${shown}: ${network.description}, ${grouped(content.length)} bytes\n`);
  for (const [input, t] of data)
    io.stdout.write(
      `${flags.calibDir}: ${input} ${t.type}[${t.shape.join(",")}], ${plural(flags.calibSamples, "sample")}\n`,
    );
  return EXIT.done;
}

function networkNamed(name: string): ZooNetwork {
  const found = zooNetwork(name);
  if (found) return found;
  const names = ZOO.map((n) => n.name).join(", ");
  throw new UsageError(name === "" ? `which network? one of ${names}` : `no network ${name}; there are ${names}`);
}

const optionsOf = ({ batch, resolution, sequence, layers, attentionMask, seed }: ZooFlags): ZooOptions => ({
  seed,
  ...(batch === undefined ? {} : { batch }),
  ...(resolution === undefined ? {} : { resolution }),
  ...(sequence === undefined ? {} : { sequence }),
  ...(layers === undefined ? {} : { layers }),
  ...(attentionMask === undefined ? {} : { attentionMask }),
});

function list(json: boolean): string {
  const rows = ZOO.map(({ name, description, size }) => ({ name, description, [size.option]: size.default }));
  if (json) return `${JSON.stringify(rows, null, 2)}\n`;
  return table([
    ["name", "network", "size"],
    ...ZOO.map(({ name, description, size }) => [name, description, `${size.option} ${size.default}`]),
  ]);
}
