// After the build: the licence texts of all that is bundled, and a hash of the sources, by which a stale build is found without Node.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const OUT = "../app/static";
const SOURCES = ["index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", "public", "scripts", "src"];
const TEXT = /^(licen[cs]e|copying|notice)(\.|-|$)/i;

// The same rule as tests/ui/test_build.py: paths with / in order, each followed by NUL, its bytes, NUL.
function hash() {
  const sum = createHash("sha256");
  for (const path of SOURCES.flatMap(files).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
    sum.update(`${path}\0`);
    sum.update(readFileSync(path));
    sum.update("\0");
  }
  return sum.digest("hex");
}

function files(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => files(`${path}/${name}`));
}

function licences() {
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
  const bundled = Object.entries(lock.packages).filter(([path, one]) => path && !one.dev && !one.devOptional && !path.includes("/@types/"));
  const texts = bundled.sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, one]) => {
    const found = readdirSync(path).filter((name) => TEXT.test(name)).sort();
    const said = found.map((name) => readFileSync(join(path, name), "utf8").trim()).join("\n\n");
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    return `${name} ${one.version} (${one.license})\n\n${said || `Published under ${one.license}, without a text of its own.`}`;
  });
  return `The page holds software of others, under these licences.\n\n${texts.join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}

writeFileSync(join(OUT, "licences.txt"), licences());
writeFileSync(join(OUT, "sources.sha256"), `${hash()}\n`);
