import type { EventId, RoomId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ALICE, startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';
import { RoomRegistry } from './room-registry.js';

const INSTANCE = 'room-state-test';
const ROOMS = 3;
const MESSAGES = 60;

describe('partitions that come and go while commands wait', () => {
  let service: TestRoomState;
  let registry: RoomRegistry;
  beforeAll(async () => {
    service = await startTestRoomState();
    registry = service.module.get(RoomRegistry);
  });
  afterAll(() => service.stop());

  /** Gives a partition up, as the leases do: no new work, drain, drop, release. */
  async function release(partition: number): Promise<void> {
    service.owned.delete(partition);
    await registry.drainPartition(partition);
    registry.dropPartition(partition);
    await setOwner(partition, null, 0);
  }

  /** Takes a partition over as if its owner had died: nobody drains anything. */
  async function claim(partition: number): Promise<void> {
    const epoch = await setOwner(partition, INSTANCE, 1);
    service.owned.set(partition, epoch);
    registry.dropPartition(partition);
  }

  async function setOwner(partition: number, owner: string | null, step: number): Promise<number> {
    const { rows } = await service.database.pool.query<{ epoch: number }>(
      'UPDATE partitions SET owner = $2, epoch = epoch + $3 WHERE partition = $1 RETURNING epoch',
      [partition, owner, step],
    );
    return rows[0]?.epoch ?? 0;
  }

  /** As a caller does: again under the same transaction until somebody owns the room. */
  async function deliver(roomId: RoomId, body: string): Promise<EventId> {
    const transaction = { deviceId: 'D', scope: roomId, id: body };
    for (;;) {
      try {
        const message = { roomId, sender: ALICE, type: 'm.room.message', content: { body }, transaction };
        return (await service.send(message)).eventId;
      } catch (error) {
        expect(error).toMatchObject({ name: 'NotOwner' });
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }

  it.each([
    ['released and taken again', true],
    ['taken over without a word', false],
  ])('are %s: every message is there once, and nothing forks', async (_, isGraceful) => {
    const rooms = await Promise.all(Array.from({ length: ROOMS }, () => service.createRoom()));
    const sending = new AbortController();
    const moving = (async () => {
      while (!sending.signal.aborted) {
        for (const partition of [...service.owned.keys()]) {
          if (isGraceful) await release(partition);
          await claim(partition);
        }
      }
    })();
    const bodies = Array.from({ length: MESSAGES }, (_unused, index) => `${index}`);
    const ids = await Promise.all(
      rooms.flatMap((roomId) =>
        bodies.map(async (body, index) => {
          await new Promise((resolve) => setTimeout(resolve, index * 10));
          return deliver(roomId, body);
        }),
      ),
    );
    sending.abort();
    await moving;
    expect(new Set(ids).size).toBe(ROOMS * MESSAGES);
    for (const roomId of rooms) {
      const { rows } = await service.database.pool.query<{ event_id: EventId; json: string }>(
        `SELECT e.event_id, e.json FROM events e JOIN event_positions p USING (event_nid) JOIN rooms r ON r.room_nid = e.room_nid
         WHERE r.room_id = $1 ORDER BY p.position`,
        [roomId],
      );
      const events = rows.map(({ event_id, json }) => ({
        eventId: event_id,
        pdu: JSON.parse(json) as { prev_events: EventId[]; content: { body?: string } },
      }));
      events.forEach(({ pdu }, index) => {
        expect(pdu.prev_events).toEqual(index === 0 ? [] : [events[index - 1]?.eventId]);
      });
      expect(events.flatMap(({ pdu }) => pdu.content.body ?? []).sort()).toEqual([...bodies].sort());
    }
  });
});
