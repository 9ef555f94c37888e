// `npm start`: all six services in one process, with an embedded PostgreSQL and Redis unless URLs name others.
import { join } from 'node:path';
import { prepare, replaceBy, root } from './prepare.mjs';

await prepare('apps/all-in-one', 'apps/ctl');
const app = join(root, 'apps/all-in-one/dist');
await replaceBy(process.execPath, ['--import', join(app, 'telemetry.js'), join(app, 'main.js')]);
