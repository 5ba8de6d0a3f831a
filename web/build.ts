/**
 * Builds dist/ as it lies in the bucket: page/{version}/…, page/v1/face-search.js, page/template.html, page/gone.html.
 * The version ends with a digest of all that is below it, so whatever is there may be cached for ever. Prints what each
 * part weighs, and fails above the budgets.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Plugin } from "vite";
import manifest from "./package.json" with { type: "json" };

const HERE = import.meta.dirname;
const DIST = join(HERE, "dist");

/** KB of gzip, 1,000 bytes each. The first matching pattern counts; `initial` is what a guest loads before the first text. */
const BUDGETS = [
  { part: "element", pattern: /^face-search\.js$/, limit: 40 },
  { part: "viewer", pattern: /viewer|photoswipe/, limit: 21 },
  { part: "saving", pattern: /saving/, limit: 8 },
  { part: "ZIP", pattern: /zip/, limit: 4 },
  { part: "language", pattern: /assets\/(hi|de)-/, limit: 6 },
] as const;
const INITIAL_LIMIT = 45;

/** Templates without their indentation, and styles without comments: nobody else takes them out of a string. */
const tightTemplates: Plugin = {
  name: "tight-templates",
  enforce: "pre",
  transform(code, id) {
    if (!id.startsWith(join(HERE, "src"))) return null;
    const tight = (style: string) => style.replace(/\/\*.*?\*\//gs, "").replace(/\s*([{};,])\s*/g, "$1");
    return code.replace(/\n[ \t]+/g, "\n").replace(/css`[^`]*`/g, tight);
  },
};

/** Parts that are fetched later bring nothing that could be fetched ahead, so Vite's code for that is left out. */
const noPreload: Plugin = {
  name: "no-preload",
  enforce: "pre",
  load: (id) => (id === "\0vite/preload-helper.js" ? "export const __vitePreload = (load) => load();" : null),
};

async function bundled(): Promise<Map<string, Buffer>> {
  const made = await build({
    root: HERE,
    configFile: false,
    logLevel: "warn",
    base: "./",
    plugins: [tightTemplates, noPreload],
    build: {
      target: ["chrome107", "safari16", "firefox104"],
      write: false,
      modulePreload: false,
      rolldownOptions: {
        input: { "face-search": join(HERE, "src/face-search.ts") },
        output: {
          entryFileNames: "[name].js",
          chunkFileNames: "assets/[name]-[hash].js",
          assetFileNames: "assets/[name]-[hash][extname]",
          comments: { legal: false },
        },
      },
    },
  });
  if (!("output" in made)) throw new Error("vite gave no output");
  const files = new Map<string, Buffer>();
  for (const part of made.output)
    files.set(part.fileName, Buffer.from(part.type === "chunk" ? part.code : part.source));
  files.set("page.css", readFileSync(join(HERE, "src/page.css")));
  files.set("LICENSES.txt", Buffer.from(licences()));
  return files;
}

/** What the bundle's packages ask to be handed on with it. */
function licences(): string {
  const names = ["lit", "lit-html", "lit-element", "@lit/reactive-element", "photoswipe", "client-zip"];
  return names
    .map((name) => {
      const folder = join(HERE, "node_modules", name);
      const file = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
      if (!file) throw new Error(`${name} has no licence file`);
      return `${name}\n\n${readFileSync(join(folder, file), "utf8")}`;
    })
    .join("\n\n----\n\n");
}

function digestOf(files: Map<string, Buffer>): string {
  const hash = createHash("sha256");
  for (const [name, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${name}\0`).update(content);
  return hash.digest("hex").slice(0, 8);
}

function write(name: string, content: Buffer | string): void {
  const path = join(DIST, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

const kilobytes = (...contents: (Buffer | string)[]) =>
  contents.reduce((sum, content) => sum + gzipSync(content, { level: 9 }).length, 0) / 1000;

/** Prints the table; true if everything is within its budget. */
function weighed(files: Map<string, Buffer>, template: string): boolean {
  const first = ["page.css", "face-search.js"].map((name) => files.get(name) ?? "");
  const rows = [
    { name: "initial HTML, CSS and JavaScript", size: kilobytes(template, ...first), limit: INITIAL_LIMIT },
  ];
  for (const [name, content] of files) {
    if (!/\.(js|css)$/.test(name)) continue;
    const limit = BUDGETS.find(({ pattern }) => pattern.test(name))?.limit ?? Number.NaN;
    rows.push({ name, size: kilobytes(content), limit });
  }
  for (const { name, size, limit } of rows) {
    const budget = Number.isNaN(limit) ? "" : `of ${limit}${size > limit ? "  TOO MUCH" : ""}`;
    console.log(`  ${name.padEnd(36)} ${size.toFixed(1).padStart(5)} KB ${budget}`);
  }
  return rows.every(({ size, limit }) => !(size > limit));
}

const files = await bundled();
const version = `${manifest.version}-${digestOf(files)}`;
const base = `/page/${version}`;
const [template, gone] = ["index.html", "gone.html"].map((name) =>
  readFileSync(join(HERE, name), "utf8").replaceAll("__BASE__", base),
) as [string, string];
rmSync(DIST, { recursive: true, force: true });
for (const [name, content] of files) write(`page/${version}/${name}`, content);
write("page/v1/face-search.js", `import "../${version}/face-search.js";\n`);
write("page/template.html", template);
write("page/gone.html", gone);

const integrity = createHash("sha384")
  .update(files.get("face-search.js") ?? "")
  .digest("base64");
console.log(`web/dist${base}/ (gzip):`);
const fits = weighed(files, template);
console.log(`  face-search.js has integrity="sha384-${integrity}"`);
if (!fits) {
  console.error("error: a part is above its budget");
  process.exit(1);
}
