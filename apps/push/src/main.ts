import { loadConfigOrExit } from '@atoll/config';
import { runService } from '@atoll/telemetry';
import { startPush } from './start-push.js';

await runService(loadConfigOrExit(), 'push', startPush);
