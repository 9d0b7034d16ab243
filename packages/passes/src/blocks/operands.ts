/** How the operand types of conv and matmul lie in the array's buffers. */
import { DTYPE_BITS, type DType, fail, type Loc } from "@accelc/ir";
import { type ArrayFormat, derive, type MachineDescription } from "@accelc/machine";

/**
 * A pass through the array multiplies a row of IBUF, `lanes` bytes, by a block of WBUF, lanes x lanes bytes. The lanes of a
 * tensor in DRAM are `factor` times the machine's, so that they fill whole rows: `passes` of them.
 */
export interface OperandForm {
  readonly type: DType;
  /** Bits of an element. */
  readonly bits: number;
  /** Reduction elements of a pass. */
  readonly perPass: number;
  readonly factor: number;
  readonly passes: number;
  /** Reduction elements of all of them. */
  readonly block: number;
}

const FORMATS: { readonly [D in DType]?: ArrayFormat } = {
  int8: "int8",
  int4: "int4",
  int2: "int2",
  dlfloat16: "fp16",
  fp8e4m3: "hfp8",
  fp8e5m2: "hfp8",
};

/** The machine's name for operands of `type`; undefined where no array multiplies them. */
export const arrayFormat = (type: DType): ArrayFormat | undefined => FORMATS[type];

/** Elements of a packed type in a byte, which is the factor of its layouts; 1 for all others. */
export const packFactor = (type: DType): number => (type === "int4" ? 2 : type === "int2" ? 4 : 1);

/** The form of operands of `type`. CG1002 where the machine's array has no such operands. */
export function operandForm(type: DType, machine: MachineDescription, loc: Loc): OperandForm {
  const format = arrayFormat(type);
  const perPass = format === undefined ? 0 : derive(machine).reductionPerPass[format];
  if (perPass === 0)
    fail(
      "CG1002",
      loc,
      { op: loc.op, reason: `the array of machine ${machine.name} has no ${type} operands` },
      "choose another precision, or a machine whose array.formats has this one",
    );
  const factor = Math.max(1, perPass / machine.tandem.lanes);
  const block = factor * machine.tandem.lanes;
  return { type, bits: DTYPE_BITS[type], perPass, factor, passes: block / perPass, block };
}

/** The byte of an IBUF row all of whose elements are `code`; the two bytes of a wider element are equal. */
export function fillByte(code: number, { bits }: OperandForm): number {
  if (bits >= 8) return bits > 8 ? code & 255 : code;
  let byte = 0;
  for (let at = 0; at < 8; at += bits) byte |= (code & ((1 << bits) - 1)) << at;
  return byte;
}
