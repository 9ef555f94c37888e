import { DelayedEventReader, DelayedEventTransactor } from '@atoll/database';
import { RoomRows } from '@atoll/database/testing';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { delayedTransaction } from '../events/delayed-transaction.js';
import { ALICE, BOB, type RoomsApp, startRoomsApp } from '../rooms/rooms-app.spec-support.js';
import { DelayedEventsModule } from './delayed-events.module.js';

let app: RoomsApp;
let reader: DelayedEventReader;
beforeAll(async () => {
  app = await startRoomsApp({ modules: [DelayedEventsModule] });
  reader = new DelayedEventReader(app.database);
});
beforeEach(() => {
  app.commands.asked.length = 0;
});
afterAll(() => app.stop());

const roomOf = (name: string) => `!${name}:hs2` as RoomId;
const add = (delayId: string, userId: UserId, room: RoomId, state?: { type: string; content: JsonObject }) =>
  new DelayedEventTransactor(app.database.db).add(
    delayId,
    {
      ...{ userId, roomId: room, type: 'm.test', content: {}, delayMs: 1 },
      ...(state && { ...state, stateKey: state.type === 'm.room.member' ? userId : '' }),
    },
    undefined,
  );
const JOIN = { type: 'm.room.member', content: { membership: 'join' } };

/** Robust on a slow machine: it waits for what must come. */
async function eventually<Value>(
  what: string,
  look: () => Promise<Value | undefined | false>,
): Promise<Value> {
  const until = performance.now() + 30_000;
  while (performance.now() < until) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await sleep(50);
  }
  throw new Error(`never: ${what}`);
}
const became = (userId: UserId, delayId: string) =>
  eventually(delayId, async () => (await reader.byId(userId, delayId))?.finalised);
const joinsAsked = () => app.commands.asked.filter(({ pattern }) => pattern === 'room.change-membership');

it('joins that wait for other servers keep their claims, and hold up nobody else', async () => {
  const hanging = Promise.withResolvers<JsonObject>();
  app.commands.answer = (pattern) =>
    pattern === 'room.change-membership' ? hanging.promise : { eventId: '$sent' };
  const joins = Array.from({ length: 6 }, (_, n) => `join${n}`);
  for (const id of joins) await add(id, ALICE, roomOf(id), JOIN);
  await eventually('four joins', () => Promise.resolve(joinsAsked().length === 4));
  await add('bobs', BOB, roomOf('room'));
  await add('alices', ALICE, roomOf('room'));
  expect([await became(BOB, 'bobs'), await became(ALICE, 'alices')]).toMatchObject([
    { eventId: '$sent' },
    { eventId: '$sent' },
  ]);
  expect(joinsAsked()).toHaveLength(4);
  expect(joinsAsked()[0]?.input['transaction']).toEqual(delayedTransaction('join0'));

  const nextTry = async () =>
    (
      await app.database.db
        .selectFrom('delayed_events')
        .select('next_try_ts')
        .where('delay_id', '=', 'join0')
        .executeTakeFirstOrThrow()
    ).next_try_ts;
  const claimed = await nextTry();
  await eventually('a longer claim', async () => (await nextTry()) > claimed);

  hanging.resolve({ eventId: '$joined' });
  for (const id of joins) expect(await became(ALICE, id)).toMatchObject({ eventId: '$joined' });
  expect(joinsAsked()).toHaveLength(6);
});

it('what was sent already is not refused because its user has left since', async () => {
  const room = await RoomRows.create(app.database, { roomId: roomOf('left') });
  await room.member(ALICE, 'join');
  const levels = { type: 'm.room.power_levels', content: { users: {} } };
  const sent = await room.event({
    ...{ ...levels, sender: ALICE, stateKey: '' },
    transaction: delayedTransaction('sent'),
  });
  await room.member(ALICE, 'leave');
  await app.database.db.transaction().execute(async (trx) => {
    await new DelayedEventTransactor(trx).add(
      'sent',
      { ...{ userId: ALICE, roomId: room.roomId, stateKey: '', delayMs: 1 }, ...levels },
      undefined,
    );
    await trx
      .updateTable('delayed_events')
      .set({ claimed: true, attempts: 1 })
      .where('delay_id', '=', 'sent')
      .execute();
  });
  await add('not sent', ALICE, room.roomId, levels);
  const outcomes = [await became(ALICE, 'sent'), await became(ALICE, 'not sent')];
  expect(outcomes).toMatchObject([{ eventId: sent.eventId }, { error: { errcode: 'M_FORBIDDEN' } }]);
  expect(outcomes[0]).not.toHaveProperty('error');
  expect(app.commands.asked).toEqual([]);
});
