export { ELF_ERRORS, ElfError, type ElfErrorCode, EM_ACCELC } from "./elf-format.js";
export { readElf } from "./elf-read.js";
export { writeElf } from "./elf-write.js";
