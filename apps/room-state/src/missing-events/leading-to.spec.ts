import type { EventId, Pdu, RoomId } from '@atoll/matrix';
import type { ReceivedEvent } from '@atoll/server-keys';
import { describe, expect, it } from '@jest/globals';
import { leadingTo } from './leading-to.js';

const idOf = (n: number) => `$${n}` as EventId;

function received(n: number, prev: readonly number[]): ReceivedEvent {
  const pdu = { prev_events: prev.map(idOf) } as unknown as Pdu;
  return { event: { eventId: idOf(n), roomId: '!r' as RoomId, pdu, rejected: false }, exact: pdu };
}

describe('events', () => {
  it('lead to what is wanted, or are left out', () => {
    const events = [received(1, []), received(2, [1]), received(3, [1]), received(4, [9])];
    expect([...leadingTo([idOf(2)], events).keys()].sort()).toEqual(['$1', '$2']);
  });

  it('lead there, even where a liar made a cycle', () => {
    const events = [received(1, [2]), received(2, [3]), received(3, [1])];
    expect(leadingTo([idOf(1)], events).size).toBe(3);
  });
});
