import { type ComputeOp, ISA, OPS } from "@accelc/isa";

/** The vector instructions, by their names in the instruction table. */
export const COMPUTE_OPS = OPS.filter((op): op is ComputeOp => "operands" in ISA[op]);
