import { type EventId, prevEventIds } from '@atoll/matrix';
import type { ReceivedEvent } from '@atoll/server-keys';

/** Puts events behind those among them that they follow; else they keep their order. Those of a cycle stand in no useful order. */
export function predecessorsFirst<One extends ReceivedEvent>(events: Iterable<One>): One[] {
  const byId = new Map(Array.from(events, (one) => [one.event.eventId, one]));
  const ordered: One[] = [];
  const seen = new Set<EventId>();
  for (const start of byId.keys()) {
    const stack: { readonly id: EventId; readonly isDone: boolean }[] = [{ id: start, isDone: false }];
    for (let next = stack.pop(); next; next = stack.pop()) {
      const one = byId.get(next.id);
      if (!one) continue;
      if (next.isDone) {
        ordered.push(one);
        continue;
      }
      if (seen.has(next.id)) continue;
      seen.add(next.id);
      stack.push({ id: next.id, isDone: true });
      for (const id of prevEventIds(one.event.pdu)) if (!seen.has(id)) stack.push({ id, isDone: false });
    }
  }
  return ordered;
}

/** Those of the events that the wanted ones are, or that lead to them. */
export function leadingTo(
  wanted: readonly EventId[],
  events: readonly ReceivedEvent[],
): Map<EventId, ReceivedEvent> {
  const byId = new Map(events.map((one) => [one.event.eventId, one]));
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
