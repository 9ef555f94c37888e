import { loadConfigOrExit } from '@atoll/config';
import { runService } from '@atoll/telemetry';
import { startAllInOne } from './start-all-in-one.js';
import { welcome } from './welcome.js';

const config = loadConfigOrExit();
await runService(config, 'all-in-one', startAllInOne);
process.stdout.write(welcome(config));
