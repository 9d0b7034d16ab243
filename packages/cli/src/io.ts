import { resolve } from "node:path";

export interface Output {
  /** True on a terminal: only then progress is shown. */
  readonly isTTY: boolean;
  write(text: string | Uint8Array): void;
}

/** Everything a command touches besides the file system. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export const pathIn = (io: Io, file: string): string => resolve(io.cwd, file);

/** A reader that went away (`accelc disasm x.elf | head`) is no error: what it does not want is dropped. */
function outputOf(stream: NodeJS.WriteStream): Output {
  let open = true;
  stream.on("error", (e: NodeJS.ErrnoException) => {
    if (e.code !== "EPIPE") throw e;
    open = false;
  });
  return { isTTY: stream.isTTY === true, write: (text) => void (open && stream.write(text)) };
}

export const processIo = (): Io => ({
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  cwd: process.cwd(),
  env: process.env,
});
