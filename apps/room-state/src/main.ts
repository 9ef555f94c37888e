import { loadConfigOrExit } from '@atoll/config';
import { runService } from '@atoll/telemetry';
import { startRoomState } from './start-room-state.js';

await runService(loadConfigOrExit(), 'room-state', startRoomState);
