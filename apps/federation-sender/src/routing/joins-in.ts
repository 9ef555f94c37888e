import type { RoomServersChange } from '@atoll/database';
import { isJsonObject, type JsonObject, type UserId } from '@atoll/matrix';

/** Somebody came into a room. */
export interface Join {
  readonly roomNid: number;
  readonly userId: UserId;
  readonly position: number;
  /** When it was made, as its server says; ms since 1970. */
  readonly madeAt: number;
}

/** The changes by which somebody came who was not joined before. */
export function joinsIn(changes: readonly RoomServersChange[]): Join[] {
  return changes.flatMap(({ roomNid, userId, position, before, after }): Join[] => {
    const join = joinOf(after);
    if (userId === null || join === undefined || joinOf(before) !== undefined) return [];
    const madeAt = join['origin_server_ts'];
    return [{ roomNid, userId, position, madeAt: typeof madeAt === 'number' ? madeAt : 0 }];
  });
}

/** The event, if it is a join. */
function joinOf(json: string | null): JsonObject | undefined {
  if (json === null) return undefined;
  const event = JSON.parse(json) as JsonObject;
  const { content } = event;
  return isJsonObject(content) && content['membership'] === 'join' ? event : undefined;
}
