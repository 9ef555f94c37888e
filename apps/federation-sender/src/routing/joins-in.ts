import type { RoomServersChange } from '@atoll/database';
import { isJsonObject, type JsonObject, type UserId } from '@atoll/matrix';

/** Somebody came into a room. */
export interface Join {
  readonly roomNid: number;
  readonly userId: UserId;
  readonly position: number;
}

/** The changes by which somebody came who was not joined before. */
export function joinsIn(changes: readonly RoomServersChange[]): Join[] {
  return changes.flatMap(({ roomNid, userId, position, before, after }) =>
    userId !== null && isJoin(after) && !isJoin(before) ? [{ roomNid, userId, position }] : [],
  );
}

function isJoin(event: string | null): boolean {
  if (event === null) return false;
  const { content } = JSON.parse(event) as JsonObject;
  return isJsonObject(content) && content['membership'] === 'join';
}
