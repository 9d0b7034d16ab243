import { abs32, fxpExp, fxpInvSqrt, fxpLn, fxpLog2, fxpSigmoid, fxpSqrt, fxpTanh, sign32 } from "@accelc/numerics";
import { mulLanes } from "./alu.js";
import { arithmetic, isFloat, type KernelRow, type Lanes, lanewise, words } from "./kernel.js";

const reluLanes: Lanes = (lanes, dst, d, a, ai, as) => {
  for (let l = 0; l < lanes; l++) dst[d + l] = Math.max(a[ai + l * as], 0);
};

const leakyRelu: KernelRow = arithmetic(
  (type) => {
    const mul = mulLanes(type);
    const product = new Int32Array(1);
    const scalar = new Int32Array(2);
    return lanewise((a, b) => {
      if (a >= 0) return a;
      scalar[0] = a;
      scalar[1] = b;
      mul(1, product, 0, scalar, 0, 1, scalar, 1, 1);
      return product[0];
    });
  },
  (a, b) => (a >= 0 ? a : a * b),
);

/** A function from fixed point with f1 fraction bits to fixed point with fd; undefined under 32FP and 16FP. */
const special = (f: (x: number, fSrc: number, fDst: number) => number): KernelRow => ({
  special: true,
  kernel: (type) => (isFloat(type) ? undefined : { run: lanewise((a) => f(a, type.srcFraction, type.dstFraction)) }),
});

/** CALCULUS words (opcode 1). */
export const CALCULUS = {
  relu: arithmetic(
    () => reluLanes,
    (a) => Math.max(a, 0),
  ),
  leaky_relu: leakyRelu,
  sigmoid: special(fxpSigmoid),
  tanh: special(fxpTanh),
  exp: special(fxpExp),
  ln: special(fxpLn),
  sqrt: special(fxpSqrt),
  inv_sqrt: special(fxpInvSqrt),
  log2: special(fxpLog2),
  abs: arithmetic(words(abs32), Math.abs),
  sign: arithmetic(words(sign32), Math.sign),
} as const;
