import { PartitionReader } from '@atoll/database';
import type { RoomRows } from '@atoll/database/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ALICE, BOB, PushInstallation, until } from './push-installation.spec-support.js';

describe('push services', () => {
  let installation: PushInstallation;
  let rooms: RoomRows[];

  beforeEach(async () => {
    installation = await PushInstallation.open();
    rooms = [];
    for (let i = 0; i < 8; i++) rooms.push(await installation.room(BOB));
  });
  afterEach(() => installation.close());

  async function say(times: number): Promise<void> {
    for (let i = 0; i < times; i++) for (const room of rooms) await installation.say(room, BOB);
  }
  async function expectCounts(notify: number): Promise<void> {
    for (const room of rooms) expect(await installation.counted(room, ALICE)).toEqual({ 0: [notify, 0] });
  }
  const ownersBecome = (count: number) =>
    until(`${count} owners`, async () => {
      const owners = await new PartitionReader(installation.database).owners();
      return owners.length === count && owners.every(({ owner }) => owner !== null);
    });

  it('go on after a restart where they were', async () => {
    await say(2);
    await installation.startPush();
    await expectCounts(2);
    await installation.stopPush();
    expect((await new PartitionReader(installation.database).owners()).map(({ owner }) => owner)).toEqual([
      null,
    ]);
    await say(1);
    await installation.startPush();
    await say(1);
    await expectCounts(4);
  });

  it('share the rooms, and take over those of one that goes, counting everything once', async () => {
    await installation.startPush('1');
    await installation.startPush('2');
    await ownersBecome(2);
    await say(1);
    const saying = say(5);
    await installation.stopPush(['1']);
    await saying;
    await ownersBecome(1);
    await say(1);
    await expectCounts(7);
  });

  it('write nothing for what was taken from them', async () => {
    await installation.startPush('1');
    await say(1);
    await expectCounts(1);
    // As if this one had been away for longer than its lease.
    await installation.database.db
      .insertInto('members')
      .values({
        kind: 'push',
        instance: 'somebody',
        expires_at: new Date(Date.now() + 600_000),
        leaving: false,
      })
      .execute();
    await installation.database.db
      .updateTable('partitions')
      .set((eb) => ({ owner: 'somebody', epoch: eb('epoch', '+', 1) }))
      .execute();
    await say(1);
    await until('loss', async () => {
      const owners = await new PartitionReader(installation.database).owners();
      return owners.every(({ owner }) => owner === 'somebody');
    });
    await say(1);
    const stored = await installation.database.db.selectFrom('unread_counts').select('notify').execute();
    expect(stored.map(({ notify }) => notify)).toEqual(rooms.map(() => 1));
    await installation.database.db.deleteFrom('members').where('instance', '=', 'somebody').execute();
    await expectCounts(3);
  });
});
