// The lint refuses what it is there to refuse: imports that go in a circle, and imports that go upward.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** The rules that a folder with these files breaks, by file. */
function broken(t, files) {
  const folder = mkdtempSync(join(tmpdir(), "drawbridge-lint-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ["biome.json", "tsconfig.json", "package.json"])
    cpSync(join(here, name), join(folder, name));
  symlinkSync(join(here, "node_modules"), join(folder, "node_modules"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const lint = spawnSync(join(here, "node_modules/.bin/biome"), ["lint", "--reporter=json", "."], {
    cwd: folder,
    encoding: "utf8",
  });
  const { diagnostics } = JSON.parse(lint.stdout);
  return diagnostics.map(({ category, location }) => `${location.path} ${category}`).sort();
}

test("a circle of imports is refused, also one of types alone", (t) => {
  const found = broken(t, {
    "src/domain/one.ts": 'import { two } from "@/domain/two";\n\nexport const one = (): number => two();\n',
    "src/domain/two.ts": 'import { one } from "./one";\n\nexport const two = (): number => one();\n',
    "src/domain/a.ts": 'import type { B } from "@/domain/b";\n\nexport type A = B | 1;\n',
    "src/domain/b.ts": 'import type { A } from "@/domain/a";\n\nexport type B = A | 2;\n',
  });
  assert.deepEqual(
    found,
    ["a", "b", "one", "two"].map((name) => `src/domain/${name}.ts lint/suspicious/noImportCycles`),
  );
});

test("an import that goes upward is refused in every layer", (t) => {
  const layers = ["platform", "shared", "domain", "screens", "app"];
  const files = Object.fromEntries(layers.map((layer) => [`src/${layer}/own.ts`, "export const own = 1;\n"]));
  const expected = [];
  for (const [at, lower] of layers.entries()) {
    for (const upper of layers.slice(at + 1)) {
      const file = `src/${lower}/${upper}.ts`;
      files[file] = `import { own } from "@/${upper}/own";\n\nexport const up = own;\n`;
      expected.push(`${file} lint/style/noRestrictedImports`);
    }
  }
  assert.deepEqual(broken(t, files), expected.sort());
});
