import { loadConfigOrExit } from '@atoll/config';
import { runService } from '@atoll/telemetry';
import { startFederationReceiver } from './federation-receiver.module.js';

await runService(loadConfigOrExit(), 'federation-receiver', startFederationReceiver);
