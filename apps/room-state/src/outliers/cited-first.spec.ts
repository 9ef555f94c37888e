import { authEventIds, type EventId, type Pdu, prevEventIds, type RoomId } from '@atoll/matrix';
import type { ReceivedEvent } from '@atoll/server-keys';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { byEventId, citedFirst } from './cited-first.js';

const idOf = (n: number) => `$${n}` as EventId;

function received(n: number, prev: readonly number[], auth: readonly number[] = []): ReceivedEvent {
  const pdu = { prev_events: prev.map(idOf), auth_events: auth.map(idOf) } as unknown as Pdu;
  return { event: { eventId: idOf(n), roomId: '!r' as RoomId, pdu, rejected: false }, exact: pdu };
}

const idsOf = (events: readonly ReceivedEvent[]) => events.map(({ event }) => event.eventId);

describe('events in the order of their graph', () => {
  it.each([
    ['predecessors', prevEventIds],
    ['authority', authEventIds],
  ] as const)('come behind their %s, each once, in whatever order they arrived', async (_, cited) => {
    const earlier = (all: readonly number[], n: number) => all.filter((one) => one < n);
    const cites = fc.array(fc.nat(30), { maxLength: 3 });
    const graph = fc.array(fc.tuple(cites, cites), { maxLength: 30 }).chain((all) => {
      const events = all.map(([prev, auth], n) => received(n, earlier(prev, n), earlier(auth, n)));
      return fc.shuffledSubarray(events, { minLength: events.length });
    });
    await fc.assert(
      fc.asyncProperty(graph, async (events) => {
        const ordered = await citedFirst(byEventId(events), cited);
        expect(ordered).toHaveLength(events.length);
        expect(new Set(ordered)).toEqual(new Set(events));
        const at = new Map(idsOf(ordered).map((id, index) => [id, index]));
        for (const { event } of ordered) {
          for (const id of cited(event.pdu)) {
            expect(at.get(id) ?? -1).toBeLessThan(at.get(event.eventId) ?? 0);
          }
        }
      }),
    );
  });

  it('keep their order where the graph says nothing', async () => {
    const events = [received(3, []), received(1, []), received(2, [9])];
    expect(await citedFirst(byEventId(events), prevEventIds)).toEqual(events);
  });

  it('come behind what all of them rest on without citing it', async () => {
    const events = byEventId([received(2, [], [3]), received(3, []), received(1, [])]);
    expect(idsOf(await citedFirst(events, authEventIds, [idOf(1), idOf(7)]))).toEqual(['$1', '$3', '$2']);
  });

  it('end, even where a liar made a cycle', async () => {
    const events = [received(1, [2]), received(2, [3]), received(3, [1])];
    expect(new Set(await citedFirst(byEventId(events), prevEventIds))).toEqual(new Set(events));
  });

  it('may be a chain longer than the engine’s stack', async () => {
    const events = Array.from({ length: 50_000 }, (_, n) => received(n, n === 0 ? [] : [n - 1]));
    expect(await citedFirst(byEventId(events.toReversed()), prevEventIds)).toEqual(events);
  });
});
