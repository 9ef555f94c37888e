import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { PresenceChanged } from '@atoll/contract';
import { commitInLanes, type KnownPresence, PresenceTransactor } from '@atoll/database';
import type { JsonObject, UserId } from '@atoll/matrix';
import { type Peer, until } from './peer.spec-support.js';
import { ALICE, OWN_NAME, SenderInstallation } from './sender-installation.spec-support.js';

describe('presence', () => {
  let installation: SenderInstallation;
  let peer: Peer;
  let other: Peer;

  beforeAll(async () => {
    installation = await SenderInstallation.open();
    await installation.startSender();
  });
  beforeEach(async () => {
    peer = await installation.peer();
    other = await installation.peer();
  });
  afterAll(() => installation.close());

  const pushedTo = ({ received }: Peer): JsonObject[] =>
    received
      .flatMap(({ body }) => body.edus as JsonObject[])
      .filter(({ edu_type }) => edu_type === 'm.presence')
      .flatMap(({ content }) => (content as { push: JsonObject[] }).push);
  const hears = (at: Peer, userId: UserId, presence: string) =>
    until(`${userId} ${presence}`, () =>
      pushedTo(at).some((push) => push['user_id'] === userId && push['presence'] === presence),
    );

  async function set(userId: UserId, values: Partial<KnownPresence>): Promise<void> {
    await commitInLanes(installation.database.db, (trx, closing) =>
      new PresenceTransactor(trx, closing).change([userId], userId.endsWith(`:${OWN_NAME}`), (before) => ({
        ...before,
        currentlyActive: values.presence === 'online',
        ...values,
      })),
    );
    installation.announce(PresenceChanged, { position: 0 });
  }

  it('of local users goes to the servers that share a room with them, and to nobody else', async () => {
    for (let i = 0; i < 2; i++) await installation.room(peer.user('bob'));
    await set(peer.user('bob'), { presence: 'online' });
    await set(ALICE, { presence: 'online', statusMsg: 'here', lastActiveTs: Date.now() - 5_000 });
    await hears(peer, ALICE, 'online');
    // Once more where the rooms are routed after it: who comes into a room is told of there.
    for (const push of pushedTo(peer)) {
      expect(push).toEqual({
        user_id: ALICE,
        presence: 'online',
        status_msg: 'here',
        currently_active: true,
        last_active_ago: expect.any(Number),
      });
    }
    expect(pushedTo(peer)[0]?.['last_active_ago']).toBeGreaterThanOrEqual(5_000);
    await set(ALICE, { presence: 'unavailable', statusMsg: null });
    await hears(peer, ALICE, 'unavailable');
    expect(pushedTo(peer).at(-1)).toEqual({
      user_id: ALICE,
      presence: 'unavailable',
      last_active_ago: expect.any(Number),
    });
    expect(pushedTo(other)).toEqual([]);
  });

  it('of those in a room is told to a server that joins it, without those who are offline', async () => {
    const dave = `@dave:${OWN_NAME}` as UserId;
    const room = await installation.room(dave);
    await set(dave, { presence: 'offline' });
    await set(ALICE, { presence: 'online' });
    await installation.write(room, (rows) => rows.member(peer.user('bob'), 'join'));
    await hears(peer, ALICE, 'online');
    await set(ALICE, { presence: 'unavailable' });
    await hears(peer, ALICE, 'unavailable');
    expect(new Set(pushedTo(peer).map(({ user_id }) => user_id))).toEqual(new Set([ALICE]));
  });

  it('of a local user is told to the servers in a room that the user joins', async () => {
    const erin = `@erin:${OWN_NAME}` as UserId;
    const room = await installation.room(peer.user('bob'));
    await set(erin, { presence: 'online' });
    await installation.write(room, (rows) => rows.member(erin, 'join'));
    await hears(peer, erin, 'online');
    expect(pushedTo(other)).toEqual([]);
  });
});
