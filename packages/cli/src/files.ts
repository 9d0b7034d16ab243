import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fail } from "@accelc/ir";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  EACCES: "permission denied",
  EPERM: "not permitted",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is not a folder",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the device",
  ENAMETOOLONG: "the name is too long",
  EEXIST: "it exists and is not a folder",
};

const reasonOf = (e: unknown): string => {
  const { code, message } = e as NodeJS.ErrnoException;
  return (code && REASONS[code]) ?? message;
};

/** `shown` is the path as the user wrote it. CL1001 where it cannot be read. */
export function readBytes(path: string, shown: string = path): Uint8Array {
  try {
    const b = readFileSync(path);
    return new Uint8Array(b.buffer, b.byteOffset, b.byteLength);
  } catch (e) {
    fail("CL1001", {}, { file: shown, reason: reasonOf(e) }, "check the path and its permissions");
  }
}

export const readText = (path: string, shown: string = path): string =>
  new TextDecoder().decode(readBytes(path, shown));

const cannotWrite = (shown: string, reason: string): never =>
  fail("CL1002", {}, { file: shown, reason }, "choose an existing folder that can be written to");

const temporary = (path: string): string =>
  join(dirname(path), `.${basename(path).slice(0, 64)}.${randomBytes(6).toString("hex")}.tmp`);

/** CL1002 unless a file could be created at `path` now: asked before work that would be lost. Leaves nothing behind. */
export function checkWritable(path: string, shown: string = path): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) cannotWrite(shown, "it is a folder");
  const probe = temporary(path);
  try {
    closeSync(openSync(probe, "wx"));
    rmSync(probe);
  } catch (e) {
    cannotWrite(shown, reasonOf(e));
  }
}

/** CL1002 unless the folder exists or can be made, and takes files. */
export function makeFolder(path: string, shown: string = path): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (e) {
    cannotWrite(shown, reasonOf(e));
  }
  checkWritable(join(path, "probe"), shown);
}

export interface NewFile {
  readonly path: string;
  readonly shown: string;
  readonly content: string | Uint8Array;
}

/** All files or none: each is written beside its place, and only when all are complete they are renamed. CL1002. */
export function writeFiles(files: readonly NewFile[]): void {
  const pending: { readonly temp: string; readonly file: NewFile }[] = [];
  for (const file of files) {
    const temp = temporary(file.path);
    pending.push({ temp, file });
    try {
      writeFileSync(temp, file.content, { flag: "wx" });
    } catch (e) {
      for (const p of pending) rmSync(p.temp, { force: true });
      cannotWrite(file.shown, reasonOf(e));
    }
  }
  for (const [i, { temp, file }] of pending.entries()) {
    try {
      renameSync(temp, file.path);
    } catch (e) {
      for (const p of pending.slice(i)) rmSync(p.temp, { force: true });
      cannotWrite(file.shown, reasonOf(e));
    }
  }
}

export const writeBytes = (path: string, content: string | Uint8Array, shown: string = path): void =>
  writeFiles([{ path, shown, content }]);
