import { loadConfigOrExit } from '@atoll/config';
import { runService } from '@atoll/telemetry';
import { startPush } from './push.module.js';

await runService(loadConfigOrExit(), 'push', startPush);
