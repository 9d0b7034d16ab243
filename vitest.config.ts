import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (name: string) => fileURLToPath(new URL(`./packages/${name}/src/index.ts`, import.meta.url));

// Tests run against the sources, so a stale build can neither hide nor cause a failure.
export default defineConfig({
  resolve: {
    alias: [
      { find: /^@accelc\/([a-z]+)$/, replacement: source("$1") },
      { find: /^accelc$/, replacement: source("cli") },
    ],
  },
  test: {
    include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 120_000,
    pool: "forks",
  },
});
