/** Builds dist/operator/, which `facesearch operator` and the local stack serve and nobody uploads; fails above its budget. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const HERE = import.meta.dirname;
const OUT = join(HERE, "../dist/operator");
const LIMIT = 25;

await build({
  root: HERE,
  configFile: false,
  logLevel: "warn",
  base: "./",
  build: {
    target: ["chrome107", "safari16", "firefox104"],
    outDir: OUT,
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: false,
  },
});
const files = ["index.html", ...readdirSync(join(OUT, "assets")).map((name) => `assets/${name}`)];
const size = files.reduce((sum, name) => sum + gzipSync(readFileSync(join(OUT, name)), { level: 9 }).length, 0) / 1000;
console.log(
  `web/dist/operator/ (gzip):\n  ${"the operator's view".padEnd(36)} ${size.toFixed(1).padStart(5)} KB of ${LIMIT}`,
);
if (size > LIMIT) {
  console.error("error: the operator's view is above its budget");
  process.exit(1);
}
