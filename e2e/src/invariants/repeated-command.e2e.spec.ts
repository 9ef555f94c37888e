import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ChangeMembership, SendEvent, partitionOf } from '@atoll/contract';
import { openDatabase, type Database } from '@atoll/database';
import { OwnerDirectory } from '@atoll/leases';
import { isRoomId, isUserId } from '@atoll/matrix';
import { CommandClient, ReplyStream, connectRedis, type RedisConnection } from '@atoll/redis-streams';
import { RoomLog, register, type Cluster, type TestUser } from '@atoll/testing';
import { startSmallCluster } from './small-cluster.js';
import { ownerOf } from './writing-rooms.js';

const partitions = 128;

let cluster: Cluster;
let log: RoomLog;
let database: Database;
let redis: RedisConnection;
let replies: ReplyStream;
let commands: CommandClient;
let alice: TestUser;
beforeAll(async () => {
  cluster = await startSmallCluster();
  log = await RoomLog.connect(cluster.databaseUrl);
  alice = await register(cluster.clientUrl, 'alice');
  database = openDatabase({ url: cluster.databaseUrl, poolSize: 2, applicationName: 'repeating-caller' });
  redis = connectRedis(cluster.redisUrl, 'repeating-caller');
  replies = new ReplyStream(redis, 'repeating-caller');
  replies.start();
  const owners = new OwnerDirectory(database, 'room-state');
  commands = new CommandClient({ redis, service: 'room-state', replies, owners });
});
afterAll(async () => {
  commands.stop();
  await replies.stop();
  redis.disconnect();
  await database.close();
  await log.close();
  await cluster.stop();
});

/** As client-api asks room-state, but with a key of the test's own and no client transaction. */
function send(roomId: string, text: string, idempotencyKey: string) {
  if (!isRoomId(roomId) || !isUserId(alice.userId)) throw new Error('not an id');
  return commands.request(SendEvent, {
    partition: partitionOf(roomId, partitions),
    idempotencyKey,
    input: {
      roomId,
      sender: alice.userId,
      type: 'm.room.message',
      content: { msgtype: 'm.text', body: text },
    },
  });
}

const messagesIn = async (roomId: string) =>
  (await log.events(roomId)).filter((event) => event.type === 'm.room.message');

describe('a command that is delivered more than once has one effect', () => {
  test('at once, and again after its answer', async () => {
    const roomId = await alice.createRoom();
    const [first, ...others] = await Promise.all([1, 2, 3, 4].map(() => send(roomId, 'once', 'key-1')));
    const later = await send(roomId, 'once', 'key-1');
    expect([...others, later]).toEqual([first, first, first, first]);
    expect((await messagesIn(roomId)).map((event) => event.eventId)).toEqual([first?.eventId]);
  });

  test('to the next owner, which never saw it', async () => {
    const roomId = await alice.createRoom();
    const first = await send(roomId, 'once', 'key-2');
    const owner = await ownerOf(cluster, log, roomId);
    await owner.stop();
    expect(await send(roomId, 'once', 'key-2')).toEqual(first);
    expect(await messagesIn(roomId)).toHaveLength(1);
    await owner.start();
    expect(await send(roomId, 'once', 'key-2')).toEqual(first);
    expect(await messagesIn(roomId)).toHaveLength(1);
  });

  test('after the effect was undone', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    if (!isRoomId(roomId) || !isUserId(alice.userId)) throw new Error('not an id');
    const leave = {
      partition: partitionOf(roomId, partitions),
      idempotencyKey: 'key-3',
      input: {
        roomId,
        sender: alice.userId,
        target: alice.userId,
        action: 'leave' as const,
        content: {},
      },
    };
    const left = await commands.request(ChangeMembership, leave);
    await alice.join(roomId);
    expect(await commands.request(ChangeMembership, leave)).toEqual(left);
    expect((await alice.expect('GET', '/v3/joined_rooms')).joined_rooms).toContain(roomId);
  });
});
