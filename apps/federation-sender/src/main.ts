import { loadConfigOrExit } from '@atoll/config';
import { runService } from '@atoll/telemetry';
import { startFederationSender } from './federation-sender.module.js';

await runService(loadConfigOrExit(), 'federation-sender', startFederationSender);
