import { loadConfigOrExit } from '@atoll/config';
import { runService } from '@atoll/telemetry';
import { startClientApi } from './client-api.module.js';

await runService(loadConfigOrExit(), 'client-api', startClientApi);
