import { setImmediate } from 'node:timers/promises';
import { authEventIds, type EventId } from '@atoll/matrix';
import type { ReceivedEvent } from '@atoll/server-keys';

/** Steps of the walk in one turn of the event loop: each looks at the authority of one event. */
const STEPS = 1000;

/**
 * Puts events behind those among them that they cite as authority. Events of a cycle, which only a forger of hashes could make or, in
 * room versions 1 and 2, a liar, stand in no useful order: the checks find the authority of the first of them missing.
 * @param implied what all of them rest on without citing it, if it is among them: the create event of room version 12
 */
export async function byAuthority(
  events: ReadonlyMap<EventId, ReceivedEvent>,
  implied: readonly EventId[],
): Promise<ReceivedEvent[]> {
  const ordered: ReceivedEvent[] = [];
  const seen = new Set<EventId>();
  for (const start of [...implied, ...events.keys()]) {
    // Auth chains of old rooms are thousands long: a stack of our own, not the engine's.
    const stack: { readonly id: EventId; readonly isDone: boolean }[] = [{ id: start, isDone: false }];
    for (let next = stack.pop(); next; next = stack.pop()) {
      const event = events.get(next.id);
      if (!event) continue;
      if (next.isDone) {
        ordered.push(event);
        continue;
      }
      if (seen.has(next.id)) continue;
      seen.add(next.id);
      if (seen.size % STEPS === 0) await setImmediate();
      stack.push({ id: next.id, isDone: true });
      for (const id of authEventIds(event.event.pdu)) if (!seen.has(id)) stack.push({ id, isDone: false });
    }
  }
  return ordered;
}
