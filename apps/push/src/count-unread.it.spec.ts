import type { UserId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ALICE, BOB, CAROL, PushInstallation, REMOTE } from './push-installation.spec-support.js';

const mention = (userId: UserId) => ({ 'm.mentions': { user_ids: [userId] } });
const inThread = (eventId: string) => ({ 'm.relates_to': { rel_type: 'm.thread', event_id: eventId } });

describe('the push service', () => {
  let installation: PushInstallation;

  beforeAll(async () => {
    installation = await PushInstallation.open();
    await installation.database.db
      .insertInto('users')
      .values({ user_id: CAROL, password_hash: null, created_ts: 0 })
      .execute();
    await installation.startPush();
  });
  afterAll(() => installation.close());

  it('counts what happens for those of this server who are in the room, by thread, and not what they send', async () => {
    const room = await installation.room(BOB, REMOTE);
    const root = await installation.say(room, REMOTE);
    await installation.say(room, REMOTE, { ...inThread(root.eventId), ...mention(BOB) });
    await installation.say(room, BOB, inThread(root.eventId));
    await installation.say(room, REMOTE, inThread(root.eventId));
    expect(await installation.counted(room, ALICE)).toEqual({ 0: [1, 0], [root.eventNid]: [3, 0] });
    expect(await installation.counted(room, BOB)).toEqual({ 0: [1, 0], [root.eventNid]: [1, 0] });
    expect(await installation.counted(room, REMOTE)).toEqual({});
  });

  it('takes out what is read, and nothing that comes after it', async () => {
    const room = await installation.room(BOB);
    const [first, second] = [
      await installation.say(room, BOB),
      await installation.say(room, BOB, mention(ALICE)),
    ];
    const reply = await installation.say(room, BOB, inThread(first.eventId));
    await installation.read(room, ALICE, first);
    expect(await installation.counted(room, ALICE)).toEqual({ 0: [1, 1], [first.eventNid]: [1, 0] });
    await installation.read(room, ALICE, second, 'main');
    expect(await installation.counted(room, ALICE)).toEqual({ [first.eventNid]: [1, 0] });
    await installation.read(room, ALICE, reply, first.eventId);
    expect(await installation.counted(room, ALICE)).toEqual({});
    await installation.say(room, BOB);
    expect(await installation.counted(room, ALICE)).toEqual({ 0: [1, 0] });
  });

  it('forgets what was unread when a user leaves, and begins at nothing with the next join', async () => {
    const room = await installation.room(BOB, CAROL);
    await installation.say(room, BOB);
    expect(await installation.counted(room, CAROL)).toEqual({ 0: [1, 0] });
    await installation.write(room, (rows) => rows.member(CAROL, 'ban', BOB));
    await installation.say(room, BOB);
    expect(await installation.counted(room, CAROL)).toEqual({});
    await installation.write(room, (rows) => rows.member(CAROL, 'leave', BOB));
    await installation.write(room, (rows) => rows.member(CAROL, 'join'));
    await installation.say(room, BOB);
    expect(await installation.counted(room, CAROL)).toEqual({ 0: [1, 0] });
  });

  it('counts from the next event on by rules that the user changes', async () => {
    const room = await installation.room(CAROL);
    await installation.say(room, ALICE);
    expect(await installation.counted(room, CAROL)).toEqual({ 0: [1, 0] });
    await setAccountData(CAROL, 'm.push_rules', { changed: { '.m.rule.master': { enabled: true } } });
    await installation.say(room, ALICE);
    expect(await installation.counted(room, CAROL)).toEqual({ 0: [1, 0] });
    await setAccountData(CAROL, 'm.push_rules', {});
    await setAccountData(CAROL, 'm.ignored_user_list', { ignored_users: { [ALICE]: {} } });
    await installation.say(room, ALICE);
    expect(await installation.counted(room, CAROL)).toEqual({ 0: [1, 0] });
  });

  it('lets @room notify by those alone who may', async () => {
    const room = await installation.room(BOB);
    await installation.write(room, (rows) =>
      rows.state('m.room.power_levels', ALICE, { users: { [ALICE]: 100 } }),
    );
    const everybody = { 'm.mentions': { room: true } };
    await installation.say(room, ALICE, everybody);
    await installation.say(room, BOB, everybody);
    expect(await installation.counted(room, BOB)).toEqual({});
    await installation.say(room, ALICE, everybody);
    expect(await installation.counted(room, BOB)).toEqual({ 0: [1, 1] });
    expect(await installation.counted(room, ALICE)).toEqual({});
    await installation.say(room, BOB, everybody);
    expect(await installation.counted(room, ALICE)).toEqual({ 0: [1, 0] });
  });

  it('comes to the same as counting everything from the beginning', async () => {
    const members = [BOB, CAROL, REMOTE];
    const crowd = [await installation.room(...members), await installation.room(...members)];
    let seed = 7;
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (const room of crowd) {
      const root = await installation.say(room, ALICE);
      const said = [root];
      for (let i = 0; i < 60; i++) {
        const user = [ALICE, ...members][random(4)] as UserId;
        const event = said[random(said.length)] ?? root;
        if (random(4) === 0)
          await installation.read(room, user, event, ['', 'main', event.eventId][random(3)]);
        else {
          const content = random(2) === 0 ? inThread(root.eventId) : mention(CAROL);
          said.push(await installation.say(room, user, content));
        }
      }
      for (const userId of [ALICE, BOB, CAROL]) {
        expect(await installation.counted(room, userId)).toEqual(await installation.recounted(room, userId));
      }
    }
  });

  async function setAccountData(userId: UserId, type: string, content: object): Promise<void> {
    await installation.allCounted();
    const { rows } = await installation.database.pool.query<{ next: number }>(
      `SELECT nextval('account_data_position') AS next`,
    );
    const row = { content: JSON.stringify(content), position: rows[0]?.next ?? 0 };
    await installation.database.db
      .insertInto('account_data')
      .values({ user_id: userId, room_id: '', type, ...row })
      .onConflict((conflict) => conflict.columns(['user_id', 'room_id', 'type']).doUpdateSet(row))
      .execute();
  }
});
