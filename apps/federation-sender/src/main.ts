import { loadConfigOrExit } from '@atoll/config';
import { runService } from '@atoll/telemetry';
import { startFederationSender } from './start-federation-sender.js';

await runService(loadConfigOrExit(), 'federation-sender', startFederationSender);
