import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { AccelcError, fail } from "@accelc/ir";

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

/** What went wrong with a file, in words. */
export const reasonOf = (e: unknown): string => {
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

/** Devices and pipes are written to; they cannot be replaced. */
const isSpecial = (path: string): boolean => {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && !stat.isFile() && !stat.isDirectory();
};

/** Where the bytes belong: a symbolic link stays and its target is replaced. */
const targetOf = (path: string): string => (existsSync(path) ? realpathSync(path) : path);

/** CL1002 unless a file could be created at `path` now: asked before work that would be lost. Leaves nothing behind. */
export function checkWritable(path: string, shown: string = path): void {
  try {
    if (isSpecial(path)) return;
    const target = targetOf(path);
    if (statSync(target, { throwIfNoEntry: false })?.isDirectory()) cannotWrite(shown, "it is a folder");
    const probe = temporary(target);
    closeSync(openSync(probe, "wx"));
    rmSync(probe);
  } catch (e) {
    if (e instanceof AccelcError) throw e;
    cannotWrite(shown, reasonOf(e));
  }
}

/** CL1002 where a result would replace one of the files it is made from. */
export function checkDistinct(output: string, inputs: readonly string[], shown: string = output): void {
  if (!existsSync(output)) return;
  const real = realpathSync(output);
  if (inputs.some((f) => existsSync(f) && realpathSync(f) === real)) cannotWrite(shown, "it is the input itself");
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

interface Pending {
  readonly shown: string;
  readonly target: string;
  readonly temp: string;
}

/** Files that appear together: each is written beside its place when it is added, and only `commit` renames them. */
export interface FileSet {
  /** CL1002, and then nothing of the set is left. */
  readonly add: (file: NewFile) => void;
  /** CL1002. */
  readonly commit: () => void;
  /** Leaves nothing behind of what was not committed. */
  readonly discard: () => void;
}

export function openFiles(): FileSet {
  let pending: Pending[] = [];
  let special: NewFile[] = [];
  const discard = (): void => {
    for (const p of pending) rmSync(p.temp, { force: true });
    pending = [];
    special = [];
  };
  const attempt = (file: Pick<NewFile, "shown">, act: () => void): void => {
    try {
      act();
    } catch (e) {
      discard();
      cannotWrite(file.shown, reasonOf(e));
    }
  };
  return {
    add: (file) =>
      attempt(file, () => {
        if (isSpecial(file.path)) {
          special.push(file);
          return;
        }
        const target = targetOf(file.path);
        const temp = temporary(target);
        pending.push({ shown: file.shown, target, temp });
        writeFileSync(temp, file.content, { flag: "wx" });
      }),
    commit: () => {
      for (const p of pending) attempt(p, () => renameSync(p.temp, p.target));
      for (const file of special) attempt(file, () => writeFileSync(file.path, file.content));
      pending = [];
      special = [];
    },
    discard,
  };
}

/** All files or none. CL1002. */
export function writeFiles(files: readonly NewFile[]): void {
  const set = openFiles();
  for (const file of files) set.add(file);
  set.commit();
}

export const writeBytes = (path: string, content: string | Uint8Array, shown: string = path): void =>
  writeFiles([{ path, shown, content }]);

export const fileExists = (path: string): boolean => existsSync(path);
