import { expect } from '@jest/globals';
import { kinks, type Acknowledged, type RoomLog, type TestUser } from '@atoll/testing';
import { texts } from '../users.js';

/**
 * Each acknowledged message is there exactly once, for readers and in the database, nothing else is, and each room's
 * history is one straight line.
 */
export async function expectNothingLost(
  user: TestUser,
  log: RoomLog,
  acknowledged: readonly Acknowledged[],
): Promise<void> {
  for (const roomId of new Set(acknowledged.map((one) => one.roomId))) {
    const sent = acknowledged.filter((one) => one.roomId === roomId);
    const read = (await user.history(roomId, 500)).reverse();
    expect(texts(read)).toEqual(sent.map((one) => one.text));
    const messages = read.filter((event) => event.type === 'm.room.message');
    expect(messages.map((event) => event.event_id)).toEqual(sent.map((one) => one.eventId));

    const stored = await log.events(roomId);
    expect(stored.map((event) => event.eventId)).toEqual(read.map((event) => event.event_id));
    expect(kinks(stored)).toEqual([]);
    expect(await log.extremities(roomId)).toBe(1);
  }
}
