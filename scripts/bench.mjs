// `npm run bench -- [names]`: the benchmarks of docs/benchmarks.md.
import { join } from 'node:path';
import { prepare, replaceBy, root } from './prepare.mjs';

await prepare('apps/all-in-one', 'apps/ctl', 'bench');
await replaceBy(process.execPath, [join(root, 'bench/dist/main.js'), ...process.argv.slice(2)]);
