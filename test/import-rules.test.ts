import { existsSync, readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/** The table of ARCHITECTURE.md: what a package may import. */
const MAY_IMPORT = {
  isa: [],
  numerics: [],
  machine: ["isa"],
  ir: ["numerics"],
  frontend: ["ir", "numerics"],
  zoo: ["frontend"],
  oracle: ["ir", "frontend", "numerics"],
  passes: ["ir", "numerics", "machine"],
  codegen: ["ir", "isa", "machine", "numerics"],
  emulator: ["isa", "machine", "numerics"],
  compiler: ["isa", "numerics", "machine", "ir", "frontend", "oracle", "passes", "codegen", "emulator"],
  cli: ["isa", "numerics", "machine", "ir", "frontend", "oracle", "passes", "codegen", "compiler", "emulator", "zoo"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Packages that run in Node only; all others run in a browser too. */
const NODE_ONLY = new Set(["cli"]);

type PackageName = keyof typeof MAY_IMPORT;
const NAMES = Object.keys(MAY_IMPORT) as PackageName[];
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PACKAGES = join(ROOT, "packages");

const PATTERNS = [
  /^\s*(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']/gm,
  /^\s*import\s*["']([^"']+)["']/gm,
  /\bimport\(\s*["'`]([^"'`]+)["'`]/g,
];

interface Import {
  readonly file: string;
  readonly specifier: string;
}

function sourcesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && /\.m?[tj]s$/.test(e.name))
    .map((e) => join(e.parentPath, e.name))
    .filter((f) => !f.includes(`${sep}node_modules${sep}`));
}

const importsOf = (file: string): Import[] => {
  const text = readFileSync(file, "utf8");
  return PATTERNS.flatMap((p) => [...text.matchAll(p)].map((m) => ({ file: relative(ROOT, file), specifier: m[1]! })));
};

const importsIn = (folder: string): Import[] => sourcesIn(folder).flatMap(importsOf);
const sourcesOf = (name: PackageName): Import[] => importsIn(join(PACKAGES, name, "src"));
const readJson = (...path: string[]) => JSON.parse(readFileSync(join(PACKAGES, ...path), "utf8"));

const isRelative = (specifier: string): boolean => specifier.startsWith(".");
/** `@scope/name/path` → `@scope/name`. */
const moduleOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
const isBuiltin = (specifier: string): boolean =>
  specifier.startsWith("node:") || builtinModules.includes(moduleOf(specifier));
const packageOf = (module: string): string | undefined =>
  module === "accelc" ? "cli" : /^@accelc\/(.+)$/.exec(module)?.[1];

const show = ({ file, specifier }: Import): string => `${file} imports ${specifier}`;
const unique = (xs: readonly string[]): string[] => [...new Set(xs)].sort();

/** Packages and modules that the sources import, themselves and Node's own aside. */
const modulesOf = (name: PackageName): string[] =>
  unique(
    sourcesOf(name)
      .map((i) => i.specifier)
      .filter((s) => !isRelative(s) && !isBuiltin(s))
      .map(moduleOf),
  );

it("the table names every package", () => {
  expect(NAMES.toSorted()).toEqual(readdirSync(PACKAGES).sort());
});

it("finds imports of every form", () => {
  const found = sourcesOf("cli").map((i) => i.specifier);
  expect(found).toEqual(expect.arrayContaining(["@accelc/ir", "node:fs", "./commands/run.js"]));
});

describe.each(NAMES)("packages/%s", (name) => {
  it("imports only what the table allows", () => {
    const allowed: readonly string[] = MAY_IMPORT[name];
    const bad = sourcesOf(name).filter(({ specifier }) => {
      const other = packageOf(moduleOf(specifier));
      return other !== undefined && !allowed.includes(other);
    });
    expect(bad.map(show)).toEqual([]);
  });

  it("reaches other packages by name alone", () => {
    const folder = join(PACKAGES, name);
    const bad = ["src", "test"]
      .flatMap((d) => importsIn(join(folder, d)))
      .filter(({ file, specifier }) => {
        if (!isRelative(specifier)) return packageOf(moduleOf(specifier)) && moduleOf(specifier) !== specifier;
        const target = relative(PACKAGES, resolve(ROOT, dirname(file), specifier));
        return !target.startsWith("..") && target.split(sep)[0] !== name;
      });
    expect(bad.map(show)).toEqual([]);
  });

  it.skipIf(NODE_ONLY.has(name))("has nothing of Node, so that it runs in a browser", () => {
    const bad = sourcesOf(name).filter(({ specifier }) => isBuiltin(specifier));
    expect(bad.map(show)).toEqual([]);
  });

  it("depends on what it imports, and on nothing else", () => {
    const { dependencies = {} } = readJson(name, "package.json");
    expect(Object.keys(dependencies).sort()).toEqual(modulesOf(name));
  });

  it("has its dependencies built before it", () => {
    const { references = [] } = readJson(name, "tsconfig.json") as { references?: readonly { path: string }[] };
    const built = references.map((r) => r.path.replace(/^\.\.\//, "")).sort();
    expect(built).toEqual(modulesOf(name).flatMap((m) => packageOf(m) ?? []));
  });
});

describe("tests, scripts and benchmarks", () => {
  it("reach packages by name alone", () => {
    const files = ["test", "scripts", "bench", "examples"].flatMap((d) => importsIn(join(ROOT, d)));
    const inside = files.filter(({ file, specifier }) =>
      isRelative(specifier)
        ? /^packages\/[^/]+\/src\//.test(relative(ROOT, resolve(ROOT, dirname(file), specifier)))
        : packageOf(moduleOf(specifier)) && moduleOf(specifier) !== specifier,
    );
    expect(inside.map(show)).toEqual([]);
  });
});
