import { loadConfigOrExit } from '@atoll/config';
import { startTelemetry } from '@atoll/telemetry';

// Loaded by --import, before anything that is to be observed.
startTelemetry({ service: 'media', config: loadConfigOrExit() });
