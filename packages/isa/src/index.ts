export type { AsmDiagnostic } from "./asm.js";
export { AsmError, assemble, assembleObject, parseObject } from "./asm.js";
export { Fault as AsmFault, parseInst, parseWord } from "./asm-inst.js";
export { checkObject } from "./check-object.js";
export { checksum } from "./checksum.js";
export type { Field, Form } from "./codec.js";
export { decode, encode, FORMS, fieldRange, formFor, halves, isFieldValue, signed16, unsigned16 } from "./codec.js";
export { disassembleObject, formatInst, formatObject, formatWord } from "./disasm.js";
export { renderIsaMarkdown } from "./doc.js";
export type { ElfErrorCode } from "./elf.js";
export { ELF_ERRORS, ElfError, EM_ACCELC, readElf, writeElf } from "./elf.js";
export type { FieldSeg, FixedSeg, Seg } from "./fields.js";
export { BUFFER, DIR, FORMAT, FP8_152_SLOT, HALF, NS, PAD_RUN, REDUCTION, SA_LOOPS, SIDE, UNIT } from "./fields.js";
export { canonicalJson, checkDebug, checkIo, debugJson, ioJson, ShapeError } from "./json.js";
export type {
  AccelObject,
  AccelSymbol,
  DebugBlock,
  DebugNode,
  DebugRange,
  DebugTable,
  DebugTensor,
  IoTable,
  LayoutTerm,
  StorageBits,
  TensorPlace,
} from "./object.js";
export { FORMAT_VERSION } from "./object.js";
export type { Args, ComputeOp, Inst, Op, Operand, OperandUse, Origin, Row, Unit } from "./table.js";
export { ISA, isCompute, OPS } from "./table.js";
export { WORKED_EXAMPLE } from "./worked-example.js";
