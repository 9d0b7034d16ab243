import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { totalmem } from "node:os";
import { createImage, type Image, load, loadImage, type Program, type SessionOptions } from "@accelc/emulator";
import { fail } from "@accelc/ir";
import type { MachineDescription } from "@accelc/machine";
import { readBytes, reasonOf } from "./files.js";

const CHUNK = 2 ** 30;

function fill(image: Image, file: number): Image {
  const { bytes } = image;
  let at = 0;
  while (at < bytes.length) {
    const read = readSync(file, bytes, at, Math.min(bytes.length - at, CHUNK), at);
    if (read === 0) break;
    at += read;
  }
  return { ...image, bytes: bytes.subarray(0, at) };
}

/** Straight into the memory it will run in; undefined for what is no file, and where the host has no such memory. */
function readImage(path: string, shown: string): Image | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const stat = fstatSync(file);
    const image = stat.isFile() ? createImage(stat.size) : undefined;
    return image && fill(image, file);
  } catch (e) {
    return fail("CL1001", {}, { file: shown, reason: reasonOf(e) }, "check the path and its permissions");
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** The program of an ELF file, its weights in memory once. CL1001 where it cannot be read, and what `load` throws. */
export function loadBinary(path: string, shown: string, machine: MachineDescription | undefined): Program {
  const image = readImage(path, shown);
  if (image !== undefined) return machine === undefined ? loadImage(image) : loadImage(image, machine);
  const bytes = readBytes(path, shown);
  return machine === undefined ? load(bytes) : load(bytes, machine);
}

/** A binary may ask for half of the memory there is. */
export const sessionLimits = (): SessionOptions => ({ maxDramBytes: Math.min(2 ** 31, totalmem() / 2) });
