import { randomUUID } from 'node:crypto';
import { EventReader } from '@atoll/database';
import type { FederationClient } from '@atoll/federation-client';
import type { ServerName, UserId } from '@atoll/matrix';
import { CommandContext } from '@atoll/redis-streams';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ChangeMembershipHandler } from '../change-membership/change-membership.handler.js';
import { until } from '../resident-server.spec-support.js';
import { startTestRoomState, type TestRoomState } from '../test-room-state.spec-support.js';
import { LargeRoom } from './large-room.spec-support.js';

let room: LargeRoom;
let service: TestRoomState;
const transaction = { deviceId: 'D', scope: 's', id: 'join' };
/** The servers that were asked to take a join, and have not answered yet. */
const asked: string[] = [];
const answers = Promise.withResolvers<undefined>();

beforeAll(async () => {
  room = await LargeRoom.make({ members: 3, servers: 1 });
  const { send, sendForBytes } = room.federation;
  const heldBack: FederationClient['sendForBytes'] = async (server, ...request) => {
    asked.push(server);
    await answers.promise;
    return sendForBytes(server, ...request);
  };
  service = await startTestRoomState({
    federation: { send, sendForBytes: heldBack } as Pick<FederationClient, 'send'>,
  });
  await room.publishKeys(service);
});
afterAll(() => service.stop());

function join(user: UserId, server: string) {
  const { roomId } = room;
  const via = [server as ServerName];
  const context = new CommandContext('room.change-membership', randomUUID(), Date.now() + 20_000, 0, 1, 1);
  const input = {
    roomId,
    sender: user,
    target: user,
    action: 'join' as const,
    content: {},
    via,
    transaction,
  };
  return service.module.get(ChangeMembershipHandler).handle(input, context);
}

it('few joins are open with one server, which holds up no other; the rest have their turn later', async () => {
  const joins = Array.from({ length: 7 }, (_, n) => join(`@slow${n}:hs1` as UserId, 's0'));
  await until(() => Promise.resolve(asked.length === 4));
  joins.push(join('@quick:hs1' as UserId, 's1'));
  await until(() => Promise.resolve(asked.includes('s1')));
  expect(asked).toEqual(['s0', 's0', 's0', 's0', 's1']);
  answers.resolve(undefined);
  const outcomes = await Promise.all(joins);
  expect(outcomes).toHaveLength(8);
  // The first of them brought the room, the last one may have come into a room that others had joined.
  const reader = new EventReader(service.database);
  const users = [...Array.from({ length: 7 }, (_, n) => `@slow${n}:hs1`), '@quick:hs1'] as UserId[];
  const kept = await Promise.all(users.map((userId) => reader.idByTransaction({ userId, ...transaction })));
  expect(kept).toEqual(outcomes.map(({ eventId }) => eventId));
  expect(asked.filter((server) => server === 's0')).toHaveLength(7);
});
