import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DeviceListsChanged } from '@atoll/contract';
import {
  type ClosingStatements,
  commitInLanes,
  type DatabaseSchema,
  DeviceKeyTransactor,
  DeviceListTransactor,
  DeviceTransactor,
} from '@atoll/database';
import { type DeviceId, type JsonObject, serverNameOf, type UserId } from '@atoll/matrix';
import type { Transaction } from 'kysely';
import { type Peer, until } from './peer.spec-support.js';
import { ALICE, SenderInstallation } from './sender-installation.spec-support.js';

interface Edu {
  readonly edu_type: string;
  readonly content: JsonObject;
}

describe('device lists over federation', () => {
  let installation: SenderInstallation;
  let peer: Peer;

  beforeEach(async () => {
    installation = await SenderInstallation.open();
    peer = await installation.peer();
    await installation.database.db
      .insertInto('users')
      .values({ user_id: ALICE, password_hash: null, is_admin: false, created_ts: 0 })
      .execute();
    await installation.startSender();
  });
  afterEach(() => installation.close());

  async function change(
    work: (trx: Transaction<DatabaseSchema>, closing: ClosingStatements) => Promise<unknown>,
  ): Promise<void> {
    await commitInLanes(installation.database.db, work);
    installation.announce(DeviceListsChanged, { position: 0 });
  }
  const devices = (work: (devices: DeviceTransactor) => Promise<unknown>) =>
    change((trx, closing) => work(new DeviceTransactor(trx, closing)));
  const logIn = (id: string, name: string | null = null) =>
    devices((all) =>
      all.logIn({ userId: ALICE, deviceId: id as DeviceId, initialDisplayName: name, ip: null }),
    );
  const rename = (id: string, name: string) => devices((all) => all.rename(ALICE, id as DeviceId, name));
  const remove = (...ids: string[]) => devices((all) => all.deleteDevices(ALICE, ids as DeviceId[]));

  /** A room whose users have been introduced to each other's servers, before they had devices. */
  async function roomWith(...users: UserId[]) {
    const room = await installation.room(...users);
    await until('introductions', async () => {
      const { db } = installation.database;
      const known = await db.selectFrom('destinations').select('destination').execute();
      const waiting = await db.selectFrom('device_list_introductions').selectAll().execute();
      const names = new Set(known.map(({ destination }) => destination));
      return waiting.length === 0 && users.every((user) => names.has(serverNameOf(user)));
    });
    return room;
  }

  const crossSigningKey = (usage: string) => ({
    user_id: ALICE,
    usage: [usage],
    keys: { [`ed25519:${usage}`]: usage },
  });
  const signCross = () =>
    change(async (trx, closing) => {
      const keys = new DeviceKeyTransactor(trx);
      for (const usage of ['master', 'self_signing', 'user_signing'] as const) {
        const stored = { usage, publicKey: usage, key: JSON.stringify(crossSigningKey(usage)) };
        await keys.putCrossSigningKey(ALICE, stored, undefined);
      }
      await new DeviceListTransactor(trx, closing).markChanged([ALICE]);
    });

  /** Nobody is to be introduced any more. */
  const introduced = () =>
    until('introduction', async () => {
      const { db } = installation.database;
      return (await db.selectFrom('device_list_introductions').selectAll().execute()).length === 0;
    });

  /** The sender has heard that all arrived: before that it sends again, and says how things are then. */
  const acknowledged = () =>
    until('acknowledgement', async () => {
      const row = await installation.destination(peer);
      return row?.failing_since === null && row.device_lists_sent === row.device_lists_newest;
    });
  const edusAt = (at: Peer, type = 'm.device_list_update') => {
    const edus = at.received.flatMap(({ body }) => body.edus as Edu[]).filter((edu) => edu.edu_type === type);
    // What was repeated after a failure counts once.
    const different = new Map(edus.map(({ content }) => [JSON.stringify(content), content]));
    return [...different.values()];
  };
  const idsAt = (at: Peer) => edusAt(at).map((content) => content['stream_id']);
  const seen = (at: Peer, count: number, type?: string) =>
    until(
      `${count} EDUs`,
      () => edusAt(at, type).length >= count,
      () => edusAt(at, type),
    );

  it('are told to the servers that share a room, in a chain', async () => {
    const stranger = await installation.peer();
    await roomWith(peer.user('bob'));
    await logIn('A', 'Phone');
    const keys = { user_id: ALICE, device_id: 'A', keys: { 'ed25519:A': 'k' }, signatures: {} };
    await change(async (trx, closing) => {
      const device = { userId: ALICE, deviceId: 'A' as DeviceId };
      await new DeviceKeyTransactor(trx).putDeviceKeys(device, JSON.stringify(keys));
      await new DeviceListTransactor(trx, closing).markChanged([ALICE]);
    });
    await seen(peer, 2);
    expect(edusAt(peer).at(-1)).toMatchObject({ device_id: 'A', device_display_name: 'Phone', keys });
    await rename('A', 'Telephone');
    await logIn('B');
    await remove('A');
    await seen(peer, 5);
    const known = { user_id: ALICE, device_id: 'A' };
    expect(edusAt(peer).map(({ stream_id, prev_id, device_id }) => [stream_id, prev_id, device_id])).toEqual([
      [1, [], 'A'],
      [2, [1], 'A'],
      [3, [2], 'A'],
      [4, [3], 'B'],
      [5, [4], 'A'],
    ]);
    expect(edusAt(peer).at(3)).toEqual({ user_id: ALICE, device_id: 'B', stream_id: 4, prev_id: [3] });
    expect(edusAt(peer).at(4)).toEqual({ ...known, stream_id: 5, prev_id: [4], deleted: true });
    expect(edusAt(stranger)).toEqual([]);
  });

  it('tell cross-signing keys without the user-signing one', async () => {
    await roomWith(peer.user('bob'));
    await signCross();
    await seen(peer, 1, 'm.signing_key_update');
    expect(edusAt(peer, 'm.signing_key_update')).toEqual([
      {
        user_id: ALICE,
        master_key: crossSigningKey('master'),
        self_signing_key: crossSigningKey('self_signing'),
      },
    ]);
    expect(edusAt(peer)).toEqual([]);
  });

  it('survive an outage of the peer and a restart of the sender', async () => {
    await roomWith(peer.user('bob'));
    await logIn('A');
    await seen(peer, 1);
    await acknowledged();
    await peer.down();
    await logIn('B');
    await rename('B', 'Tablet');
    await until('failure', async () => typeof (await installation.destination(peer))?.retry_at === 'number');
    await installation.stopSenders();
    await remove('A');
    await installation.startSender();
    await peer.up();
    await seen(peer, 4);
    expect(idsAt(peer)).toEqual([1, 2, 3, 4]);
    expect(edusAt(peer).at(-1)).toMatchObject({ device_id: 'A', deleted: true, prev_id: [3] });
    await acknowledged();
  });

  it('have a gap where what was missed is not kept any more', async () => {
    await roomWith(peer.user('bob'));
    await logIn('A');
    await seen(peer, 1);
    await acknowledged();
    await peer.down();
    for (let i = 0; i < 60; i++) {
      await logIn(`D${i}`);
      await remove(`D${i}`);
    }
    await peer.up();
    await seen(peer, 101);
    // Not on what the peer has seen last: it asks for all of it.
    expect(edusAt(peer).at(1)).toMatchObject({ stream_id: 22, prev_id: [21] });
    expect(idsAt(peer)).toEqual([1, ...Array.from({ length: 100 }, (_, index) => 22 + index)]);
  });

  it('come in as many transactions as they need', async () => {
    await roomWith(peer.user('bob'));
    await peer.down();
    for (let i = 0; i < 130; i++) await logIn(`D${i}`);
    await peer.up();
    await seen(peer, 130);
    const ids = idsAt(peer) as number[];
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(ids).toHaveLength(130);
    for (const { body } of peer.received) expect(body.edus.length).toBeLessThanOrEqual(100);
  });

  it('are told when a user comes into a room with servers that did not share one', async () => {
    const other = await installation.peer();
    const known = await roomWith(peer.user('bob'));
    await logIn('A');
    await rename('A', 'Phone');
    await seen(peer, 2);
    const room = await roomWith(other.user('carol'), peer.user('dan'));
    await seen(other, 1);
    expect(edusAt(other)).toEqual([
      { user_id: ALICE, device_id: 'A', device_display_name: 'Phone', stream_id: 2, prev_id: [1] },
    ]);
    expect(idsAt(peer)).toEqual([1, 2]);
    // Whoever shares none any more hears nothing.
    await installation.write(room, (rows) => rows.member(ALICE, 'leave'));
    await rename('A', 'Last');
    await seen(peer, 3);
    await installation.say(known, 'and');
    await peer.hears(1);
    expect(idsAt(other)).toEqual([2]);
  });

  it('tell of cross-signing keys too when a user comes', async () => {
    const other = await installation.peer();
    await roomWith(peer.user('bob'));
    await signCross();
    await logIn('A');
    await seen(peer, 1);
    await roomWith(other.user('carol'));
    await seen(other, 1, 'm.signing_key_update');
    expect(edusAt(other, 'm.signing_key_update')).toEqual(edusAt(peer, 'm.signing_key_update'));
    expect(idsAt(other)).toEqual([2]);
  });

  it('that changed lately are told to a server that comes into a room, once', async () => {
    const [other, late] = [await installation.peer(), await installation.peer()];
    const room = await roomWith(peer.user('bob'));
    await logIn('A');
    await seen(peer, 1);
    await installation.write(room, (rows) => rows.member(other.user('carol'), 'join'));
    await seen(other, 1);
    expect(edusAt(other)).toEqual([{ user_id: ALICE, device_id: 'A', stream_id: 1, prev_id: [] }]);
    await introduced();
    const transactions = other.received.length;
    await installation.write(room, (rows) => rows.member(other.user('dora'), 'join'));
    await installation.write(room, (rows) => rows.member(other.user('carol'), 'leave'));
    await installation.write(room, (rows) => rows.member(other.user('carol'), 'join'));
    // What tells of it was decided with all that came before.
    await logIn('B');
    await seen(other, 2);
    await introduced();
    expect(other.received.slice(transactions).flatMap(({ body }) => body.edus)).toHaveLength(1);
    // What changed before the time that counts is not told.
    const { db } = installation.database;
    await db
      .updateTable('device_changes')
      .set({ changed_ts: Date.now() - 8 * 24 * 3_600_000 })
      .execute();
    await installation.write(room, (rows) => rows.member(late.user('erin'), 'join'));
    // Whom this introduces was decided when that was.
    const last = await installation.peer();
    await installation.room(last.user('fred'));
    await seen(last, 1);
    await introduced();
    expect(edusAt(late)).toEqual([]);
  });
});
