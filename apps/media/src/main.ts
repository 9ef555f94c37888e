import { loadConfigOrExit } from '@atoll/config';
import { runService } from '@atoll/telemetry';
import { startMedia } from './media.module.js';

await runService(loadConfigOrExit(), 'media', startMedia);
