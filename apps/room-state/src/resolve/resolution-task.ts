import type { RoomEvent } from '@atoll/matrix';
import type { RoomVersion, StateMap } from '@atoll/room-rules';

/** What travels to the worker thread: everything that the algorithm may look at. */
export interface ResolutionTask {
  readonly states: readonly StateMap[];
  readonly events: readonly RoomEvent[];
  readonly version: RoomVersion;
}
