import type { EventId, Pdu, RoomId } from '@atoll/matrix';
import type { ReceivedEvent } from '@atoll/server-keys';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { leadingTo, predecessorsFirst } from './predecessors-first.js';

const idOf = (n: number) => `$${n}` as EventId;

function received(n: number, prev: readonly number[]): ReceivedEvent {
  const pdu = { prev_events: prev.map(idOf) } as unknown as Pdu;
  return { event: { eventId: idOf(n), roomId: '!r' as RoomId, pdu, rejected: false }, exact: pdu };
}

const idsOf = (events: Iterable<ReceivedEvent>) => Array.from(events, ({ event }) => event.eventId);

describe('events in the order of their graph', () => {
  it('come behind what they follow, each once, in whatever order they arrived', () => {
    const graph = fc.array(fc.array(fc.nat(30), { maxLength: 3 }), { maxLength: 30 }).chain((all) => {
      const events = all.map((back, n) =>
        received(
          n,
          back.filter((prev) => prev < n),
        ),
      );
      return fc.shuffledSubarray(events, { minLength: events.length });
    });
    fc.assert(
      fc.property(graph, (events) => {
        const ordered = predecessorsFirst(events);
        expect(new Set(ordered)).toEqual(new Set(events));
        const at = new Map(idsOf(ordered).map((id, index) => [id, index]));
        for (const { event } of ordered) {
          for (const prev of event.pdu.prev_events as EventId[]) {
            expect(at.get(prev) ?? -1).toBeLessThan(at.get(event.eventId) ?? 0);
          }
        }
      }),
    );
  });

  it('end, even where a liar made a cycle', () => {
    const events = [received(1, [2]), received(2, [3]), received(3, [1])];
    expect(new Set(predecessorsFirst(events))).toEqual(new Set(events));
    expect(leadingTo([idOf(1)], events).size).toBe(3);
  });

  it('lead to what is wanted, or are left out', () => {
    const events = [received(1, []), received(2, [1]), received(3, [1]), received(4, [9])];
    expect(idsOf(leadingTo([idOf(2)], events).values()).sort()).toEqual(['$1', '$2']);
  });
});
