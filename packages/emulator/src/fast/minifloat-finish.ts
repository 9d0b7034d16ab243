import { DLFLOAT16, type Ties } from "@accelc/numerics";
import { decodeFloats, encodeCodes, promote, roundingConstants, roundToDlfloat } from "./dlfloat-code.js";
import type { Code, FunctionSpec } from "./wasm.js";
import { add, countDown, loadOffsets } from "./widen-code.js";

/** `finish(list, count, output, bias)`: pairs of byte offsets of output and bias rows; without bias where `bias` is 0. */
export const finishFunction = (columns: number, ties: Ties) =>
  ({
    name: "finish",
    parameters: 4,
    write: (code: Code) => {
      const [list, count, output, bias] = [0, 1, 2, 3];
      const [to, from] = [code.local("i32"), code.local("i32")];
      const r = roundingConstants(code, ties);
      const vector = () => code.local("v128");
      const [codes, temp, t, b] = [vector(), vector(), vector(), vector()];
      const [sum, more] = [
        [vector(), vector()],
        [vector(), vector()],
      ];
      const numbers = (into: readonly number[], shift: number) => {
        code.const32(shift);
        code.op("i32x4.shr_u");
        code.set(codes);
        decodeFloats(code, DLFLOAT16, codes, temp);
        promote(code, temp, into[0], into[1]);
      };
      const addMore = () =>
        sum.forEach((s, i) => {
          code.get(s);
          code.get(more[i]);
          code.op("f64x2.add");
          code.set(s);
          roundToDlfloat(code, r, s, [t, b]);
          code.set(s);
        });
      const four = (c: number) => {
        for (const [into, shift] of [
          [sum, 0],
          [more, 16],
        ] as const) {
          code.get(to);
          code.memory("v128.load", 4 * c);
          numbers(into, shift);
        }
        addMore();
        code.get(bias);
        code.when(() => {
          code.get(from);
          code.memory("v128.load", 4 * c);
          numbers(more, 0);
          addMore();
        });
        code.get(to);
        encodeCodes(code, sum[0], sum[1], temp);
        code.memory("v128.store", 4 * c);
      };
      code.repeat(
        () => {
          loadOffsets(code, list, [
            [0, output, to],
            [1, bias, from],
          ]);
          for (let c = 0; c < columns; c += 4) four(c);
          add(code, list, 8);
        },
        countDown(code, count),
      );
    },
  }) as const satisfies FunctionSpec;
