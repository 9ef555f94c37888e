import { setImmediate } from 'node:timers/promises';
import type { EventId, Pdu } from '@atoll/matrix';
import type { ReceivedEvent } from '@atoll/server-keys';

/** Steps of the walk in one turn of the event loop: each looks at what one event cites. */
const STEPS = 1000;

/**
 * Puts events behind those among them that they cite, as predecessors or as authority; else they keep their order. Events of a cycle,
 * which only a forger of hashes could make or, in room versions 1 and 2, a liar, stand in no useful order: the checks find what the first
 * of them cites missing.
 * @param cited what an event cites: `prevEventIds`, `authEventIds`
 * @param implied what all of them rest on without citing it, if it is among them: the create event of room version 12
 */
export async function citedFirst<One extends ReceivedEvent>(
  events: ReadonlyMap<EventId, One>,
  cited: (pdu: Pdu) => readonly EventId[],
  implied: readonly EventId[] = [],
): Promise<One[]> {
  const ordered: One[] = [];
  const seen = new Set<EventId>();
  for (const start of [...implied, ...events.keys()]) {
    // Auth chains of old rooms are thousands long: a stack of our own, not the engine's.
    const stack: { readonly id: EventId; readonly isDone: boolean }[] = [{ id: start, isDone: false }];
    for (let next = stack.pop(); next; next = stack.pop()) {
      const one = events.get(next.id);
      if (!one) continue;
      if (next.isDone) {
        ordered.push(one);
        continue;
      }
      if (seen.has(next.id)) continue;
      seen.add(next.id);
      if (seen.size % STEPS === 0) await setImmediate();
      stack.push({ id: next.id, isDone: true });
      for (const id of cited(one.event.pdu)) if (!seen.has(id)) stack.push({ id, isDone: false });
    }
  }
  return ordered;
}

/** The form in which {@link citedFirst} takes them. */
export function byEventId<One extends ReceivedEvent>(events: readonly One[]): Map<EventId, One> {
  return new Map(events.map((one) => [one.event.eventId, one]));
}
