import { machinePreset } from "@accelc/machine";
import { expect, it } from "vitest";
import { loadObject, simulate, stepCycles, Trap } from "../src/index.js";
import { BSS, objectOf, RODATA, randoms } from "./build.js";
import { randomProgram } from "./random-program.js";

const FIRST = 1;
const COUNT = 400;

it(`random programs, seeds ${FIRST} to ${FIRST + COUNT - 1}: never faster than stepped, and within 1 % on average`, () => {
  const machine = machinePreset("tandem-8x8");
  const faster: string[] = [];
  let [sum, programs, early] = [0, 0, 0];
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    const words = randomProgram(randoms(seed * 7919), machine, 0);
    const object = objectOf({ words, machine, rodata: new Uint8Array(BSS - RODATA) });
    try {
      const { cycles } = simulate(loadObject(object, machine));
      const stepped = stepCycles(loadObject(object, machine)).reduce((a, b) => a + b, 0);
      if (cycles < stepped) faster.push(`seed ${seed}: ${cycles} for ${stepped}`);
      const waiting = simulate(loadObject({ ...object, rodata: new Uint8Array(0) }, machine)).cycles;
      if (waiting > cycles) early += 1;
      sum += (cycles - stepped) / stepped;
      programs += 1;
    } catch (e) {
      if (!(e instanceof Trap)) throw e;
    }
  }
  console.log(`cycles: ${programs} programs, mean difference ${((100 * sum) / programs).toFixed(3)} %`);
  expect(faster).toEqual([]);
  expect(sum / programs).toBeLessThanOrEqual(0.01);
  expect(early).toBeGreaterThan(COUNT / 10);
});
