import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { accelc, scratch } from "./harness.js";
import { identityElf } from "./programs.js";

let cwd: string;

beforeEach(() => {
  cwd = scratch();
  writeFileSync(join(cwd, "p.elf"), identityElf());
});

describe("simulate", () => {
  it("prints a row per block and the totals", async () => {
    const r = await accelc(["simulate", "p.elf"], { cwd });
    expect(r).toMatchObject({ status: 0, stderr: "" });
    expect(r.stdout).toBe(`block  result  cycles  bound by  array  Tandem   tiles  bytes read  bytes written
0      block0  2       tandem    0.0 %  100.0 %  1      0           0

1 block
cycles               2, 0.000002000 ms on tandem-32x32
array                0.0 % of its multiply-accumulates issued, 0.0 % of the time busy
Tandem               100.0 % of the time busy
DRAM                 0.0 % of the time busy, 0 bytes
vector instructions  none
energy               12 times one multiply-accumulate
`);
  });

  it("prints JSON", async () => {
    const r = await accelc(["simulate", "p.elf", "--json"], { cwd });
    expect(r).toMatchObject({ status: 0, stderr: "" });
    expect(JSON.parse(r.stdout)).toMatchObject({
      version: 1,
      machine: "tandem-32x32",
      cycles: 2,
      energy: { total: 12 },
      blocks: [{ id: 0, nodes: ["copy"], cycles: 2, boundBy: "tandem" }],
    });
  });

  it("stops after --max-cycles events", async () => {
    const r = await accelc(["simulate", "p.elf", "--max-cycles", "2"], { cwd });
    expect(r).toMatchObject({ status: 1, stdout: "" });
    expect(r.stderr).toMatch(
      /^p\.elf: EM2027: simulating the program takes more than 2 events \[word 1, block 0.*\]\n {2}help: .*maxEvents/,
    );
    expect(await accelc(["simulate", "p.elf", "--max-cycles", "20"], { cwd })).toMatchObject({ status: 0 });
  });

  it("takes a machine description, and says where it is not the program's", async () => {
    writeFileSync(
      join(cwd, "m.json"),
      JSON.stringify({ name: "m", extends: "tandem-32x32", dram: { burstBytes: 32 } }),
    );
    const r = await accelc(["simulate", "p.elf", "--target", "m.json"], { cwd });
    expect(r).toMatchObject({ status: 1, stdout: "" });
    expect(r.stderr).toContain("EM1004");
  });
});
