import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkDistinct, checkWritable, makeFolder, readBytes, writeBytes, writeFiles } from "../src/files.js";
import { scratch } from "./harness.js";

const messageOf = (f: () => unknown): string => {
  try {
    f();
  } catch (e) {
    return (e as Error).message;
  }
  return "no error";
};

describe("writeFiles", () => {
  it("replaces a file whole and leaves nothing else", () => {
    const dir = scratch();
    writeFileSync(join(dir, "a"), "a much longer old text");
    writeBytes(join(dir, "a"), "new");
    expect(readFileSync(join(dir, "a"), "utf8")).toBe("new");
    expect(readdirSync(dir)).toEqual(["a"]);
  });

  it("writes all or none", () => {
    const dir = scratch();
    const files = ["a", "gone/b"].map((f) => ({ path: join(dir, f), shown: f, content: f }));
    expect(messageOf(() => writeFiles(files))).toBe("cannot write gone/b: no such file or folder");
    expect(readdirSync(dir)).toEqual([]);
  });

  it("keeps the old file when the new one cannot take its place", () => {
    const dir = scratch();
    mkdirSync(join(dir, "d"));
    writeFileSync(join(dir, "d/x"), "");
    expect(messageOf(() => writeBytes(join(dir, "d"), "text", "d"))).toMatch(/^cannot write d: /);
    expect(readdirSync(dir)).toEqual(["d"]);
  });
});

describe("special targets", () => {
  it("writes through symbolic links and into devices", () => {
    const dir = scratch();
    writeFileSync(join(dir, "real"), "old");
    symlinkSync("real", join(dir, "link"));
    writeBytes(join(dir, "link"), "new");
    expect(readFileSync(join(dir, "real"), "utf8")).toBe("new");
    expect(lstatSync(join(dir, "link")).isSymbolicLink()).toBe(true);
    writeBytes("/dev/null", "gone");
    expect(lstatSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  it("never replaces an input", () => {
    const dir = scratch();
    writeFileSync(join(dir, "m"), "");
    symlinkSync("m", join(dir, "n"));
    expect(messageOf(() => checkDistinct(join(dir, "n"), [join(dir, "m")], "n"))).toBe(
      "cannot write n: it is the input itself",
    );
  });
});

describe("checkWritable", () => {
  it("names the reason and leaves nothing behind", () => {
    const dir = scratch();
    writeFileSync(join(dir, "file"), "");
    expect(messageOf(() => checkWritable(join(dir, "file/x"), "file/x"))).toBe(
      "cannot write file/x: a part of the path is not a folder",
    );
    expect(messageOf(() => checkWritable(join(dir, "no/x"), "no/x"))).toBe("cannot write no/x: no such file or folder");
    expect(messageOf(() => checkWritable(dir, "dir"))).toBe("cannot write dir: it is a folder");
    expect(messageOf(() => checkWritable(join(dir, "new")))).toBe("no error");
    expect(readdirSync(dir)).toEqual(["file"]);
  });

  it.skipIf(process.getuid?.() === 0)("sees missing permissions", () => {
    const dir = scratch();
    chmodSync(dir, 0o555);
    expect(messageOf(() => checkWritable(join(dir, "x"), "x"))).toBe("cannot write x: permission denied");
  });

  it("makes folders and says why it cannot", () => {
    const dir = scratch();
    makeFolder(join(dir, "a/b"));
    expect(existsSync(join(dir, "a/b"))).toBe(true);
    writeFileSync(join(dir, "f"), "");
    expect(messageOf(() => makeFolder(join(dir, "f"), "f"))).toBe("cannot write f: it exists and is not a folder");
  });
});

describe("readBytes", () => {
  it("says why not", () => {
    const dir = scratch();
    expect(messageOf(() => readBytes(join(dir, "x"), "x"))).toBe("cannot read x: no such file or folder");
    expect(messageOf(() => readBytes(dir, "."))).toBe("cannot read .: it is a folder");
  });
});
