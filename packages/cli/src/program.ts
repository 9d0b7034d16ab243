import { Command, Option } from "commander";
import type { Io } from "./io.js";
import {
  edges,
  layerFormat,
  namedFile,
  namedShape,
  notNegative,
  percentage,
  positiveNumber,
  wholeNumber,
} from "./options.js";
import { action, diagnostics, examples } from "./program-action.js";
import { addModelCommands } from "./program-models.js";
import { VERSION } from "./version.js";

const engineOption = (): Option =>
  new Option("--engine <engine>", "how to execute: both give the same results, reference is slow and simple")
    .choices(["fast", "reference"])
    .default("fast");

const THREADS =
  "threads, over samples and within one (default: one per core, once there is more than a second of work)";

/** Options that say how to compile, shared by the commands that do. */
function addCompileOptions(c: Command): Command {
  return c
    .option("--target <machine>", "machine: a name from `accelc targets`, or a .json file", "tandem-32x32")
    .option(
      "--precision <format>",
      "number format of weights and activations: int8, int16, int4, int2, fp16, hfp8, or mixed: one per layer",
      "int8",
    )
    .option(
      "--edges <list>",
      "below 8 bits: which of first,shortcuts,last keep more bits, or none (default: all)",
      edges,
    )
    .option(
      "--layer-format <NAME=formats>",
      "formats of one layer: conv1=int8,int4, activations first (repeatable)",
      layerFormat,
    )
    .option(
      "--max-drop <percent>",
      "with mixed: how much worse than in int8 the outputs may be (default: 1)",
      notNegative,
    )
    .option("--chunk <n>", "with fp16 and hfp8: products per chunk of a sum, a power of two (default: 64)", wholeNumber)
    .option(
      "--act-quant <method>",
      "range of activations: minmax, percentile, mse, octav or pact (default: minmax, below 8 bits pact)",
    )
    .option("--percentile <p>", "with --act-quant percentile: the share of values kept, in percent", percentage)
    .option(
      "--weight-quant <method>",
      "range of weights: max, mse, octav or sawb (default: max; int2: octav; trained by PACT: sawb)",
    )
    .option("--weight-scale <what>", "one scale of the weights per channel or per tensor (default: channel)")
    .option(
      "--weight-vector <n>",
      "4-bit scales of the weights of every n input channels beside one per output channel (more work per layer)",
      positiveNumber,
    )
    .option("--equalize", "divide channels between layers so that their weights have like ranges")
    .option(
      "--bias-correction",
      "add to biases what quantized weights take from outputs on average (default below 8 bits)",
    )
    .option("--no-bias-correction", "leave biases as they are (default from 8 bits and with --weight-quant sawb)")
    .option("--calib <NAME=file>", "calibration data of an input, samples along axis 0 (repeatable)", namedFile)
    .option("--calib-table <file>", "ranges of a table from --write-calib-table instead of calibration data")
    .option(
      "--input-shape <NAME=dims>",
      "shape of an input with dynamic dimensions: x=1,3,224,224 (repeatable; a dynamic first dimension is 1 unless given)",
      namedShape,
    )
    .option("--optimize <goal>", "what mappings are chosen by: latency, energy or edp (default: latency)")
    .option("--search-budget <n>", "mappings per block that are measured at most (default: 8)", positiveNumber)
    .option("--seed <n>", "seed of everything random", wholeNumber, 0)
    .option("--quiet", "no progress and no summary")
    .addOption(diagnostics());
}

function addCompile(program: Command, io: Io, done: (status: number) => void): void {
  const compile = program
    .command("compile", { isDefault: true })
    .summary("compile an ONNX model to an ELF file")
    .description("Compiles an ONNX model to one ELF file that `accelc run` executes.")
    .argument("<model.onnx>", "the model")
    .option("-o, --output <file>", "the ELF file (default: the model's name with .elf, in the current folder)")
    .option("--write-calib-table <file>", "write the ranges found by calibration")
    .option("--report-json <file>", "write what was compiled, and how, as JSON")
    .option("--dump-ir <folder>", "write the graph after every pass")
    .option("--dump-after <pass>", "with --dump-ir: only after this pass")
    .option(
      "--stop-after <stage>",
      "stop after import, canonicalize, calibrate, quantize or lower; no ELF file is written",
    )
    .addOption(
      new Option("--explain <what>", "print why the program is as it is").choices(["partition", "tiling", "memory"]),
    )
    .option("--timing", "print the seconds of each stage");
  addCompileOptions(compile)
    .addHelpText(
      "after",
      examples(
        "accelc model.onnx --calib image=images.npy",
        "accelc compile model.onnx -o model.elf --calib x=a.npz --calib y=b.npy --report-json report.json",
        "accelc model.onnx --input-shape x=1,3,224,224 --calib x=x.npy --dump-ir ir",
      ),
    )
    .action(action(io, done, async () => (await import("./commands/compile.js")).compileCommand));
}

function addRun(program: Command, io: Io, done: (status: number) => void): void {
  program
    .command("run")
    .summary("execute a compiled model in the emulator")
    .description(
      "Executes an ELF file in the functional emulator. An input whose leading dimension is k times the model's is k\nsamples; outputs are stacked along axis 0.",
    )
    .argument("<program.elf>", "a file from `accelc compile`")
    .option("--input <NAME=file>", "an input's tensor: .npy, .npz or .pb (repeatable)", namedFile)
    .option("--output-dir <folder>", "write every output as <NAME>.npy (default: only print what they are)")
    .option("--stats-json <file>", "write samples and seconds as JSON")
    .option("--dump-tensors <folder>", "write every tensor the program keeps in memory, of the last sample")
    .addOption(engineOption())
    .option("--threads <n>", THREADS, positiveNumber)
    .option(
      "--max-cycles <n>",
      "stop a sample that takes more than n steps: words executed, vectors issued, rows streamed, rows transferred (default: 2^30)",
      positiveNumber,
    )
    .option("--target <file.json>", "the machine description, where the program is for no built-in machine")
    .option("--quiet", "no progress and no summary")
    .addOption(diagnostics())
    .addHelpText("after", examples("accelc run model.elf --input image=images.npy --output-dir out"))
    .action(action(io, done, async () => (await import("./commands/run.js")).runCommand));
}

function addVerify(program: Command, io: Io, done: (status: number) => void): void {
  const verify = program
    .command("verify")
    .summary("compare float model, integer model and emulator, tensor by tensor")
    .description(
      "Compiles a model, runs float model (ONNX Runtime), integer model and emulator on the same samples and compares\nevery tensor. What differs between float and integer is quantization; integer and emulator must agree to the bit.\nExit status 70 where they do not.",
    )
    .argument("<model.onnx>", "the model")
    .option("--input <NAME=file>", "samples to compare on (default: the calibration data; repeatable)", namedFile)
    .option("--samples <n>", "compare only the first n samples", positiveNumber)
    .addOption(engineOption())
    .option("--threads <n>", "threads over samples, each with a copy of the model (default: 1)", positiveNumber)
    .option("--json", "print the result as JSON");
  addCompileOptions(verify)
    .addHelpText("after", examples("accelc verify model.onnx --calib image=images.npy --samples 8"))
    .action(action(io, done, async () => (await import("./commands/verify.js")).verifyCommand));
}

function addTune(program: Command, io: Io, done: (status: number) => void): void {
  const tune = program
    .command("tune")
    .summary("adjust ranges, scales, rounding and biases to the float model's outputs")
    .description(
      "Adjusts clips, scales, rounding and biases layer by layer, so that each layer's results come nearest to the float\nmodel's on the calibration data. Needs no labels. Writes a table that compile takes as --calib-table; it is written as\nlayers are done, and --resume goes on from it.",
    )
    .argument("<model.onnx>", "the model")
    .option("-o, --output <file>", "the table (default: the model's name with .tuned.json, in the current folder)")
    .option("--vectors <n>", "input vectors taken of a sample at each layer", positiveNumber, 64)
    .option("--resume", "go on from the table where it exists")
    .option("--json", "print the result as JSON");
  addCompileOptions(tune)
    .addHelpText(
      "after",
      examples(
        "accelc tune model.onnx --precision int4 --calib image=images.npy -o tuned.json",
        "accelc model.onnx --precision int4 --calib-table tuned.json",
      ),
    )
    .action(action(io, done, async () => (await import("./commands/tune.js")).tuneCommand));
}

function addSimulate(program: Command, io: Io, done: (status: number) => void): void {
  program
    .command("simulate")
    .summary("count the cycles of a compiled model, block by block")
    .description(
      "Counts the cycles of an ELF file, what bounds every block, utilization and bytes. The count follows from the\ninstructions alone; no input is needed.",
    )
    .argument("<program.elf>", "a file from `accelc compile`")
    .option("--json", "print the result as JSON")
    .option(
      "--max-cycles <n>",
      "stop after n events: words read, steps of the array, actions and transfers of tiles (default: 2^28)",
      positiveNumber,
    )
    .option("--target <file.json>", "the machine description, where the program is for no built-in machine")
    .addOption(diagnostics())
    .addHelpText("after", examples("accelc simulate model.elf", "accelc simulate model.elf --json"))
    .action(action(io, done, async () => (await import("./commands/simulate.js")).simulateCommand));
}

function addTools(program: Command, io: Io, done: (status: number) => void): void {
  program
    .command("disasm")
    .summary("print a compiled model as assembly text")
    .description("Prints a whole ELF file as text; `accelc asm` gives the same bytes back.")
    .argument("<program.elf>", "a file from `accelc compile` or `accelc asm`")
    .option("-o, --output <file>", "write to a file instead of standard output")
    .addOption(diagnostics())
    .addHelpText("after", examples("accelc disasm model.elf | less", "accelc disasm model.elf -o model.s"))
    .action(action(io, done, async () => (await import("./commands/disasm.js")).disasmCommand));
  program
    .command("asm")
    .summary("assemble text to an ELF file")
    .description("Assembles the text that `accelc disasm` prints, or that you wrote, to an ELF file.")
    .argument("<source.s>", "the text")
    .option("-o, --output <file>", "the ELF file (default: the source's name with .elf, in the current folder)")
    .addOption(diagnostics())
    .addHelpText("after", examples("accelc asm model.s -o model.elf"))
    .action(action(io, done, async () => (await import("./commands/asm.js")).asmCommand));
  program
    .command("inspect")
    .summary("say what is in a model or a compiled model")
    .description(
      "Says what is in an ONNX model (inputs, outputs, operators, parameters, MACs) or in an ELF file (machine,\nsections, blocks, inputs, outputs).",
    )
    .argument("<file>", "an ONNX model or an ELF file")
    .option("--input-shape <NAME=dims>", "shape of an input with dynamic dimensions (repeatable)", namedShape)
    .option("--json", "print the result as JSON")
    .addOption(diagnostics())
    .addHelpText("after", examples("accelc inspect model.onnx", "accelc inspect model.elf --json"))
    .action(action(io, done, async () => (await import("./commands/inspect.js")).inspectCommand));
  program
    .command("targets")
    .summary("list machine descriptions, or print one")
    .description("Lists the machines that --target knows, or prints one machine's description.")
    .argument("[name]", "a machine's name, or a .json file to check")
    .option("--json", "print the result as JSON")
    .addOption(diagnostics())
    .addHelpText("after", examples("accelc targets", "accelc targets tandem-32x32 --json > mine.json"))
    .action(action(io, done, async () => (await import("./commands/targets.js")).targetsCommand));
}

/** The whole command line. `done` receives the status of the command that ran. */
export function createProgram(io: Io, done: (status: number) => void): Command {
  const program = new Command("accelc");
  program
    .usage("<command> [options] | <model.onnx> [options]")
    .description("Compiles ONNX models for a systolic array with a Tandem Processor, and runs what it compiled.")
    .version(VERSION, "-V, --version")
    .exitOverride()
    .configureOutput({ writeOut: (s) => io.stdout.write(s), writeErr: (s) => io.stderr.write(s) })
    .showHelpAfterError("(accelc --help, accelc <command> --help)")
    .addHelpText(
      "after",
      examples(
        "accelc model.onnx --calib image=images.npy",
        "accelc run model.elf --input image=x.npy --output-dir out",
        "accelc verify model.onnx --calib image=images.npy",
      ),
    );
  addCompile(program, io, done);
  addRun(program, io, done);
  addVerify(program, io, done);
  addTune(program, io, done);
  addSimulate(program, io, done);
  addTools(program, io, done);
  addModelCommands(program, io, done);
  return program;
}
