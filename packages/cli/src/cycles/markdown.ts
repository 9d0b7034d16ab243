import { machinePreset, TANDEM_PIPELINE_STAGES } from "@accelc/machine";
import { type Agreement, meanOf, measureAgreement, worstOf } from "./agreement.js";
import { CASE_CLASSES } from "./cases.js";

const MACHINE = "tandem-8x8";
const percent = (x: number): string => `${(100 * x).toFixed(2)} %`;
const row = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |\n`;

const RULES = `## Resources

Three things work at a time: the DRAM channel, the systolic array, the Tandem Processor. A block is played from its first
event to its last; then the next one begins. Of a block only loads of constants overlap the block before it, see Order. Its
cycles are those from the end of the block before to its own.

| event | cycles |
|---|---|
| step (tile) on the array | rows streamed × weight blocks, + rows + columns − 1 to fill and drain |
| loop nest, or vector instruction alone | issues + the deepest pipeline of its body, once: ${TANDEM_PIPELINE_STAGES} stages + the instruction's latency |
| DIV, SQRT | 1 + latency per issue: their unit is not pipelined |
| word of a SIMD region that is no vector instruction | 1, in every tile; words of a nest's body are issues |
| word of a systolic region | 0: it is read once per block, ahead of the first load, one block ahead of the running one |
| permutation | rows read or rows written, the larger number of distinct ones |
| transfer | DRAM latency once, + bursts × burst bytes / bytes per cycle; every run of contiguous bytes is rounded up to bursts; what a bound pads away is free, and so is a transfer of which nothing is left |

The ${TANDEM_PIPELINE_STAGES} stages (decode, address, read, operand, execute, write) are assumed: no source gives the base depth. Results are forwarded, so
that an instruction may read what the one before it wrote. A nest drains before the next word. Where a run begins within
a burst does not count. Block ends and the hand-over take no time.

## Order

- The channel serves one transfer after another, in the order in which they became ready; its latency is not overlapped.
- IBUF, WBUF, BBUF: what step k + 1 of the array needs is asked for when step k − 1 has ended, and only where a tile loop of
  the buffer advanced. A step starts when the rows of the one before have entered, its loads are done and, at the beginning
  of a tile set, a half of OBUF is free: steps stream without a gap, as the weight blocks of one step do. It has ended when its
  last sum has left the array.
- An input that an earlier block left in IBUF is no load. Vectors on their way there are issues like any other.
- So it is across the beginning of a block for constants, that is bytes of .rodata, which no store may touch: what step 0 needs
  of them in WBUF and BBUF is asked for when the last step but one of the block before has ended; when that block begins, if it
  has fewer than two steps. The half they go to is one that no step still reads. Such a load moves only in cycles in
  which no transfer of the running block does: it gives way and goes on later at no cost, so that it delays nothing. What is under
  way when that block ends goes on first; what has not begun takes its place among the loads of step 0. Bytes and channel cycles
  of a load count to the block it is for, and the report puts them in one piece, right ahead of it.
- The SIMD region of a tile starts when the tile before is through. The first word of it that touches OBUF, END BUF and its
  end wait until the array has handed over: words ahead of them, and loads, run while the array works. END BUF, or else the
  end of the region, gives the half back, once stores from OBUF have read it. Without a SIMD region the store does.
- A load or store of a region starts where its START stands, once the transfers whose rows it touches are done; the words
  behind it go on. A nest or permutation waits for loads of rows that it touches, and for stores of rows that it writes.
- From the second tile on a load need not wait for its START, because its descriptor is sealed: the load of tile t + 1 starts
  when tile t − 1 has ended if its window keeps it apart from every row of tile t, otherwise when tile t has ended. Loads of
  rows that an earlier word of the region touches, and indexed loads, wait for their START in every tile.
- A tile has ended when its region has and its stores are done.

## Report

A block is bound by the resource that is busy longest, if that is half of its cycles or more and not mostly DRAM latency, else
by latency. Utilization counts multiply-accumulates issued, whether or not rows or columns were padding. \`run --stats-json\` counts
array rows whose weights are not all zero, the benchmark those the model asks for. Bytes of scratchpads: one row of IBUF per row
streamed, a block of WBUF whenever the loops fetch one, a row of OBUF read and written per row streamed (not read at the
first of a sum), a row of VMEM or OBUF per operand of a vector instruction, and the rows of transfers. Energy is given where
the machine has a number per event, relative to one int8 multiply-accumulate, never in joules.
`;

function classTable(rows: readonly Agreement[]): string {
  const lines = CASE_CLASSES.map((kind) => {
    const own = rows.filter((r) => r.kind === kind);
    return row([kind, own.length, percent(worstOf(own)), percent(meanOf(own))]);
  });
  const all = row(["all", rows.length, percent(worstOf(rows)), percent(meanOf(rows))]);
  return [row(["class", "cases", "worst", "mean"]), row(["---", "---", "---", "---"]), ...lines, all].join("");
}

const caseTable = (rows: readonly Agreement[]): string =>
  [
    row(["class", "case", "blocks", "simulated", "stepped", "difference"]),
    row(["---", "---", "---", "---", "---", "---"]),
    ...rows.map((r) => row([r.kind, r.name, r.blocks, r.simulated, r.stepped, percent(r.difference)])),
  ].join("");

/** docs/cycles.md. */
export function renderCyclesMarkdown(): string {
  const rows = measureAgreement(machinePreset(MACHINE));
  return `<!-- Generated by npm run docs. -->

# Cycles

\`accelc simulate\` counts the cycles of a binary from its instruction words; data plays no part in them. Durations are in
\`packages/machine/src/timing.ts\`, for the mapping search and the simulator alike; the schedule is in
\`packages/emulator/src/cycles\`. Cases worked by hand are tests of both.

${RULES}
## What the mapping search compares

A mapping's estimate is this schedule of its words, of the block by itself, begun with the time in which the channel is free for its
constants under the block before (what that block's mapping was found to leave, up to what halves of WBUF and BBUF take). What
it does not see is which immediates and iterators the block before has left. \`estimated\` of a block in the report is
its estimate (\`search.cycles\` before its input was put on chip), \`cycles\` the block in its place; \`cycles.estimated\` of a network is the sum of the blocks in their places, which is what
\`simulate\` says of the binary. The table is in bench/README.md.

Which mappings are estimated follows from a lower bound of each, the longest of these chains (\`passes/src/blocks/least.ts\`):
- the first loads of WBUF, IBUF and BBUF as far as they are not done before the block begins, every step of the array, then of
  the last tile what the hand-over holds up, and its stores;
- the same up to the first hand-over, then the issues of all tiles, then the last stores;
- all loads of the array, its last step, the last tile behind it, the last stores;
- all transfers of the block;
- without a GEMM the shortest first load, what depends on it, the issues of all other tiles, the last stores;
- where rows have no second half: a load, what depends on it and the stores, in every tile; a store and what follows the
  operation that writes its rows, in every tile.

Issues, steps and bursts are exact; of configuration words and pipelines the fewest that any words have are counted. Tests compare the
bound with every mapping measured, and the mapping found with the best of all mappings.

## Lower bound

Per block the largest of three, summed over the blocks; no tiling of the same blocks can beat it.

- Array: the model's multiply-accumulates / (reduction elements of a pass in their format × columns). Depthwise: a cycle per
  tap and row of lanes, because no two channels share an input, so that a block of weights is diagonal.
- DRAM: constants once (of a table that is looked up in, the rows taken), the network's inputs and outputs once, at full bandwidth; of a tensor between blocks what exceeds
  all scratchpads together, out and back. A half of WBUF and of BBUF is taken off, since it may be filled under the block
  before; where that makes the sum smaller than all transfers one after another, those are the bound.
- Tandem, per row of lanes of the result (elements / lanes, rounded up):

| operation | instructions |
|---|---|
| any element-wise operation | 1 (requantization: MUL and CAST, 2; with a residual MACC, 3) |
| division | 1, of 1 + latency cycles |
| maximum or minimum with a constant, only used by a narrowing | 0: it rides in the saturation |
| window of k taps | k − 1: the first combines two taps |
| reduction | (elements read − results) / lanes |
| movement | 0 |

## Agreement with the cycle-by-cycle oracle

A second simulator steps every processing element, every stage of the Tandem pipeline and every DRAM burst, and compares
scratchpad rows one by one. It shares with the fast one what words mean and the rules above, but no duration and no formula. It checks the
schedule and its arithmetic, not the rules against silicon. Both on \`${MACHINE}\`; the difference is the worst of a case's blocks. The
fast simulator knows the rows of a nest as a range, the oracle one by one: that is where they differ, the fast one later, never
sooner, on random programs too (\`packages/emulator/test/cycles-random.test.ts\`). The oracle also knows which half of a buffer each
step reads, and refuses a load that would overwrite one.

${classTable(rows)}
${caseTable(rows)}`;
}
