/** Constants of the object file, shared by writer and reader. ELF names as in the System V ABI. */
export const EM_ACCELC = 0xacc1;
export const EHDR = 64;
export const PHDR = 56;
export const SHDR = 64;
export const SYM = 24;

export const ET_EXEC = 2;
export const SHT = { NULL: 0, PROGBITS: 1, SYMTAB: 2, STRTAB: 3, NOTE: 7, NOBITS: 8 } as const;
export const SHF = { WRITE: 1, ALLOC: 2, EXEC: 4 } as const;
export const PT = { LOAD: 1, NOTE: 4 } as const;
export const PF = { X: 1, W: 2, R: 4 } as const;
/**
 * Owner "accelc", this type: u32 format version, 32 bytes of machine hash, u32 checksum of .text, .rodata, .accelc.io and
 * .accelc.debug, machine name in UTF-8 to the end.
 */
export const NT_ACCELC_MACHINE = 1;
export const NOTE_OWNER = "accelc";
/** Instruction memory is an address space of its own; the file shows it above the 32-bit DRAM space. */
export const TEXT_ADDRESS = 2 ** 32;
/** File alignment of .text and .rodata, one DRAM burst. */
export const ALIGN = 64;

export const SECTIONS = {
  ".note.accelc": SHT.NOTE,
  ".text": SHT.PROGBITS,
  ".rodata": SHT.PROGBITS,
  ".bss": SHT.NOBITS,
  ".accelc.io": SHT.PROGBITS,
  ".accelc.debug": SHT.PROGBITS,
  ".symtab": SHT.SYMTAB,
  ".strtab": SHT.STRTAB,
  ".shstrtab": SHT.STRTAB,
} as const;
export type SectionName = keyof typeof SECTIONS;
export const SECTION_NAMES = Object.keys(SECTIONS) as readonly SectionName[];

export const ELF_ERRORS = {
  "not-elf": ["the file is not an ELF object", "give a file written by accelc compile or accelc asm"],
  truncated: ["the file ends before the part it announces", "copy the file again; it was cut short or damaged"],
  "wrong-kind": ["the file is an ELF object of another kind", "give a file written by accelc compile or accelc asm"],
  "missing-section": ["a section is missing", "compile the model again; other tools may have stripped the file"],
  version: ["the file has an unknown format version", "use the accelc that wrote it, or compile the model again"],
  layout: ["the parts of the file contradict each other", "compile the model again; the file is damaged"],
  checksum: ["the contents of the file do not match its checksum", "compile the model again; the file is damaged"],
  json: ["a table of the file is not as described", "compile the model again; the file is damaged"],
} as const;
export type ElfErrorCode = keyof typeof ELF_ERRORS;

/** The bytes are no object of this toolchain. `message` says what, `hint` what to do. */
export class ElfError extends Error {
  override readonly name = "ElfError";
  readonly hint: string;
  constructor(
    readonly code: ElfErrorCode,
    detail: string,
  ) {
    super(`${ELF_ERRORS[code][0]}: ${detail}`);
    this.hint = ELF_ERRORS[code][1];
  }
}
