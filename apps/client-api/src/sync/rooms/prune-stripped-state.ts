import { isJsonObject, isUserId, type JsonObject, type JsonValue } from '@atoll/matrix';

/**
 * What a client may have of the stripped state that another server sent: of each event, stripped or whole, the keys of stripped
 * state; nothing of what is no state event. The user's own membership is left out: the event that brought the state tells it.
 * @see https://spec.matrix.org/v1.19/client-server-api/#stripped-state
 */
export function pruneStrippedState(events: readonly JsonValue[], userId: string): JsonObject[] {
  return events.flatMap((event) => {
    if (!isJsonObject(event)) return [];
    const { type, state_key, sender, content } = event;
    const isState = typeof type === 'string' && typeof state_key === 'string';
    if (!isState || !isUserId(sender) || !isJsonObject(content)) return [];
    if (type === 'm.room.member' && state_key === userId) return [];
    return [{ type, state_key, sender, content }];
  });
}
