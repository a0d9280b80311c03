// What the page weighs as it is sent: all of dist, compressed. Fails over the budget of 250 KiB.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const BUDGET = 250 * 1024;
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
let total = 0;
for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const path = join(entry.parentPath, entry.name);
  const bytes = gzipSync(readFileSync(path), { level: 9 }).length;
  total += bytes;
  console.log(`${String(bytes).padStart(8)} B  ${path.slice(dist.length)}`);
}
console.log(`${String(total).padStart(8)} B  in all, of ${BUDGET} B`);
if (total > BUDGET) process.exitCode = 1;
