import { type EventId, prevEventIds } from '@atoll/matrix';
import type { ReceivedEvent } from '@atoll/server-keys';
import { byEventId } from '../outliers/cited-first.js';

/** Those of the events that the wanted ones are, or that lead to them. */
export function leadingTo(
  wanted: readonly EventId[],
  events: readonly ReceivedEvent[],
): Map<EventId, ReceivedEvent> {
  const byId = byEventId(events);
  const leading = new Map<EventId, ReceivedEvent>();
  const stack = [...wanted];
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    const one = byId.get(id);
    if (!one || leading.has(id)) continue;
    leading.set(id, one);
    stack.push(...prevEventIds(one.event.pdu));
  }
  return leading;
}
