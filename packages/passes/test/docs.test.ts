import { fileURLToPath } from "node:url";
import { it } from "vitest";
import { renderPassesMarkdown } from "../src/index.js";
import { goldenText } from "./golden.js";

it("docs/passes.md is what the pass list says", () => {
  goldenText(fileURLToPath(new URL("../../../docs/passes.md", import.meta.url)), renderPassesMarkdown());
});
