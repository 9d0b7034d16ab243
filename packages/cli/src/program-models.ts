import type { Command } from "commander";
import type { ConformanceFlags } from "./commands/conformance.js";
import type { OpsFlags } from "./commands/ops.js";
import type { ZooFlags } from "./commands/zoo.js";
import type { Io } from "./io.js";
import { positiveNumber, wholeNumber } from "./options.js";
import { action, type Done, diagnostics, examples } from "./program-action.js";

function addOps(program: Command, io: Io, done: Done): void {
  const run = action<OpsFlags>(
    io,
    done,
    async () => (i, _, flags) => import("./commands/ops.js").then((m) => m.opsCommand(i, flags)),
  );
  program
    .command("ops")
    .summary("list the supported ONNX operators")
    .description("Lists the supported ONNX operators with their opsets, where they run, and what is supported of them.")
    .option("--json", "print the result as JSON")
    .option("--markdown", "print a Markdown table")
    .addHelpText("after", examples("accelc ops", "accelc ops --markdown > operators.md"))
    .action((options: OpsFlags) => run("", options));
}

function addZoo(program: Command, io: Io, done: Done): void {
  const run = action<ZooFlags>(io, done, async () => (await import("./commands/zoo.js")).zooCommand);
  program
    .command("zoo")
    .summary("write a benchmark network as an ONNX file")
    .description(
      "Writes a benchmark network as exporters do, with seeded weights of realistic statistics. The same options give the\nsame bytes.",
    )
    .argument("[name]", "a network's name; accelc zoo --list prints them")
    .option("-o, --output <file>", "the ONNX file (default: the network's name with .onnx, in the current folder)")
    .option("--list", "list the networks")
    .option("--batch <n>", "samples per run", positiveNumber)
    .option("--resolution <n>", "height and width of the images", positiveNumber)
    .option("--sequence <n>", "length of the sequences", positiveNumber)
    .option("--layers <n>", "blocks of a transformer", positiveNumber)
    .option("--attention-mask", "BERT: with an input attention_mask")
    .option("--seed <n>", "seed of weights and calibration data", wholeNumber, 0)
    .option("--calib-dir <folder>", "write calibration data of every input there, as <NAME>.npy")
    .option("--calib-samples <n>", "with --calib-dir: samples of calibration data", positiveNumber, 4)
    .option("--json", "with --list: print JSON")
    .option("--quiet", "no summary")
    .addOption(diagnostics())
    .addHelpText(
      "after",
      examples("accelc zoo resnet50 -o r50.onnx --calib-dir calib", "accelc r50.onnx --calib input=calib/input.npy"),
    )
    .action((name: string | undefined, options: ZooFlags) => run(name ?? "", options));
}

function addConformance(program: Command, io: Io, done: Done): void {
  program
    .command("conformance")
    .summary("run ONNX node vectors")
    .description(
      "Compiles and executes ONNX node vectors and compares their outputs: integers, booleans and what is only moved for\nequality, floats by SQNR (25 dB with a matrix product, 30 dB without).",
    )
    .argument("<folder>", "its folders hold model.onnx and test_data_set_*")
    .option("--filter <regexp>", "only vectors whose names match")
    .option("--time-limit <seconds>", "time for one vector", positiveNumber, 20)
    .option("--verbose", "list every vector that does not pass, with all reasons")
    .option("--json", "print the result as JSON")
    .option("--quiet", "only the totals")
    .addOption(diagnostics())
    .addHelpText(
      "after",
      examples("accelc conformance onnx-node-tests", "accelc conformance vectors --filter softmax --verbose"),
    )
    .action(
      action<ConformanceFlags>(io, done, async () => (await import("./commands/conformance.js")).conformanceCommand),
    );
}

/** The commands about operators and models as such. */
export function addModelCommands(program: Command, io: Io, done: Done): void {
  addConformance(program, io, done);
  addOps(program, io, done);
  addZoo(program, io, done);
}
