import type { RoomRecord } from '@atoll/database';
import type { JsonObject } from '@atoll/matrix';

/** What this server checks about one kind of state although the room's rules would let it pass. */
export interface StateCheck {
  /** @throws MatrixError 400 */
  check(room: RoomRecord, content: JsonObject): Promise<void>;
}
