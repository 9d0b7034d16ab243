import type { Code, FunctionSpec } from "./wasm.js";
import { add, countDown, loadOffsets } from "./widen-code.js";

/** `outputs(list, count, output, bias)`: list holds offsets of output rows and bias rows; bias 0 clears, else adds. */
export const outputsFunction = (columns: number) =>
  ({
    name: "outputs",
    parameters: 4,
    write: (code: Code) => {
      const [list, count, output, bias] = [0, 1, 2, 3];
      const [to, from] = [code.local("i32"), code.local("i32")];
      const each = (adds: boolean) => () =>
        code.repeat(
          () => {
            loadOffsets(code, list, [
              [0, output, to],
              [1, bias, from],
            ]);
            for (let c = 0; c < columns; c += 4) {
              code.get(to);
              if (adds) {
                code.get(to);
                code.memory("v128.load", 4 * c);
                code.get(from);
                code.memory("v128.load", 4 * c);
                code.op("i32x4.add");
              } else code.splat(0);
              code.memory("v128.store", 4 * c);
            }
            add(code, list, 8);
          },
          countDown(code, count),
        );
      code.get(bias);
      code.when(each(true), each(false));
    },
  }) as const satisfies FunctionSpec;
