// `npm run bench -- [names] [--quick] [--profile folder] [--write]`: the benchmarks of docs/benchmarks.md.
import { join } from 'node:path';
import { prepare, replaceBy, root } from './prepare.mjs';

await prepare('apps/all-in-one', 'apps/ctl', 'bench');
// The load generators share the machine with what they measure: a larger young generation halves what they spend on
// collecting garbage.
const options = ['--max-semi-space-size=64'];
await replaceBy(process.execPath, [...options, join(root, 'bench/dist/main.js'), ...process.argv.slice(2)]);
