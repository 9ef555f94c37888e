import { connectedConfig, loadConfig } from '@atoll/config';
import type { ChangeMembership, Command, CommandInput, CreateRoom, SendEvent } from '@atoll/contract';
import { partitionOf } from '@atoll/contract';
import { migrateToLatest, openDatabase } from '@atoll/database';
import { testDatabase, testRedis } from '@atoll/embedded';
import { generateSigningKey } from '@atoll/event-crypto';
import type { FederationClient, FetchJson } from '@atoll/federation-client';
import type { EventId, JsonObject, RoomId, ServerName, UserId } from '@atoll/matrix';
import { Announcer, CommandContext, connectRedis } from '@atoll/redis-streams';
import { hashDraft, newEventId, rulesOf } from '@atoll/room-rules';
import { ReceivedPduCheck } from '@atoll/server-keys';
import { openFederationClient } from '@atoll/service';
import { createLogger } from '@atoll/telemetry';
import { Test } from '@nestjs/testing';
import { randomUUID } from 'node:crypto';
import { PduAcceptance, type PduResult } from './accept-pdus/pdu-acceptance.js';
import { ChangeMembershipHandler } from './change-membership/change-membership.handler.js';
import { CreateRoomHandler } from './create-room/create-room.handler.js';
import { RoomCommands } from './room-actor/room-commands.js';
import { RoomStateModule } from './room-state.module.js';
import { SendEventHandler } from './send-event/send-event.handler.js';

export const ALICE = '@alice:hs1' as UserId;
export const BOB = '@bob:hs1' as UserId;
const PARTITIONS = 8;
const EPOCH = 1;
let lastTs = 0;

/** The service without its transport: real PostgreSQL and Redis, all partitions owned, commands as method calls. */
export async function startTestRoomState(
  options: {
    readonly federation?: Pick<FederationClient, 'send'>;
    readonly fetchJson?: FetchJson;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
) {
  const [pg, redisServer] = await Promise.all([testDatabase(), testRedis()]);
  const instance = 'room-state-test';
  const database = openDatabase({ url: pg.url, poolSize: 4, applicationName: instance, pipeline: true });
  await migrateToLatest(database.db);
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  await database.db
    .insertInto('partitions')
    .values(partitions.map((partition) => ({ kind: 'room-state', partition, owner: instance, epoch: EPOCH })))
    .execute();
  const redis = connectRedis(redisServer.url, instance);
  const config = connectedConfig(
    loadConfig({
      ATOLL_SERVER_NAME: 'hs1',
      ATOLL_DATABASE_URL: pg.url,
      ATOLL_REDIS_URL: redisServer.url,
      ATOLL_PARTITIONS: String(PARTITIONS),
      ...options.env,
    }),
  );
  const logger = createLogger('room-state', 'silent');
  const signingKey = generateSigningKey();
  const fencedOut: number[] = [];
  const owned = new Map(partitions.map((partition) => [partition, EPOCH]));
  const ownership = {
    owned: () => owned,
    fencedOut: (partition: number) => void fencedOut.push(partition),
  };
  const { close: closeFederation, ...outbound } = await openFederationClient(config, signingKey);
  const federation = (options.federation ?? outbound.federation) as FederationClient;
  const fetchJson = options.fetchJson ?? outbound.fetchJson;
  const close = () => Promise.resolve();
  const platform = { config, instance, logger, database, redis, signingKey, federation, fetchJson, close };
  const module = await Test.createTestingModule({
    imports: [RoomStateModule.on(platform, ownership)],
  }).compile();
  const handlers = {
    create: module.get(CreateRoomHandler),
    send: module.get(SendEventHandler),
    membership: module.get(ChangeMembershipHandler),
  };
  return {
    database,
    signingKey,
    fencedOut,
    /** The partitions and epochs that the instance believes to own. */
    owned,
    module,
    /** For a second instance on the same database. */
    platform,
    announcer: module.get(Announcer),
    /** Of a command on a room; each has its own idempotency key by default. */
    context,
    /** @returns the room that the answer names: another one than was asked for, where an earlier command had the same key */
    createRoom: async (
      options: Partial<CommandInput<typeof CreateRoom>> = {},
      version = '12',
      key?: string,
    ) => {
      const input = createRoomInput(options, version);
      return (await handlers.create.handle(input, context('room.create', input.roomId, key))).roomId;
    },
    send: (input: CommandInput<typeof SendEvent>, key?: string) =>
      handlers.send.handle(input, context('room.send-event', input.roomId, key)),
    message: (roomId: RoomId, sender: UserId, body: string) =>
      handlers.send.handle(
        { roomId, sender, type: 'm.room.message', content: { msgtype: 'm.text', body } },
        context('room.send-event', roomId),
      ),
    /** A message whose caller waits until `deadline`, ms since 1970. */
    sendUntil: (deadline: number, roomId: RoomId, body: string) =>
      handlers.send.handle(
        { roomId, sender: ALICE, type: 'm.room.message', content: { body } },
        context('room.send-event', roomId, randomUUID(), deadline),
      ),
    membership: (
      input: Omit<CommandInput<typeof ChangeMembership>, 'content'> & { content?: JsonObject },
      key?: string,
    ) =>
      handlers.membership.handle(
        { content: {}, ...input },
        context('room.change-membership', input.roomId, key),
      ),
    /** Gives somebody an account: a guest's. */
    guest: async (user: UserId) => {
      const account = { user_id: user, password_hash: null, created_ts: 0, is_guest: true };
      await database.db.insertInto('users').values(account).execute();
    },
    /** Global account data of a user, who gets an account for it. */
    accountData: async (user: UserId, type: string, content: JsonObject) => {
      const account = { user_id: user, password_hash: null, created_ts: 0 };
      await database.db
        .insertInto('users')
        .values(account)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      const entry = {
        user_id: user,
        room_id: '' as const,
        type,
        content: JSON.stringify(content),
        position: 1,
      };
      await database.db.insertInto('account_data').values(entry).execute();
    },
    /** Takes events of other servers through all checks, one after the other. */
    accept: async ({ roomId, pdus }: { roomId: RoomId; pdus: readonly string[] }) => {
      const results: (PduResult | { eventId: null; outcome: 'refused'; reason: string })[] = [];
      const rules = await module.get(RoomCommands).rulesOf(roomId, Date.now() + 10_000);
      for (const text of pdus) {
        const checked = rules
          ? await module.get(ReceivedPduCheck).check(text, rules)
          : { refused: 'unknown room' };
        if ('refused' in checked)
          results.push({ eventId: null, outcome: 'refused', reason: checked.refused });
        else results.push(await module.get(PduAcceptance).accept(roomId, checked, Date.now() + 10_000));
      }
      return { results };
    },
    stop: async () => {
      await module.close();
      await closeFederation();
      redis.disconnect();
      await database.close();
      await redisServer.stop();
      await pg.drop();
    },
  };
}

export type TestRoomState = Awaited<ReturnType<typeof startTestRoomState>>;

function context(
  pattern: Command['pattern'],
  roomId: RoomId,
  key: string = randomUUID(),
  deadline = Date.now() + 10_000,
): CommandContext {
  return new CommandContext(pattern, key, deadline, partitionOf(roomId, PARTITIONS), EPOCH, 1);
}

function createRoomInput(
  options: Partial<CommandInput<typeof CreateRoom>>,
  version: string,
): CommandInput<typeof CreateRoom> {
  const rules = rulesOf(version);
  if (!rules) throw new Error(`no room version ${version}`);
  const creator = options.creator ?? ALICE;
  const eventId = newEventId(randomUUID(), 'hs1' as ServerName, rules);
  const { event } = hashDraft(
    {
      type: 'm.room.create',
      ...(!rules.roomIdIsCreateEventId && { room_id: `!${randomUUID()}:hs1` as RoomId }),
      ...(eventId && { event_id: eventId }),
      sender: creator,
      state_key: '',
      content: { room_version: version, ...(rules.creatorInContent && { creator }) },
      // Of two create events of one millisecond, both would be the same room.
      origin_server_ts: (lastTs = Math.max(lastTs + 1, Date.now())),
      depth: 1,
      prev_events: [] as EventId[],
      auth_events: [] as EventId[],
    },
    rules,
  );
  return {
    roomId: event.roomId,
    roomVersion: version,
    creator,
    createEvent: event.pdu as unknown as JsonObject,
    preset: 'private_chat',
    creatorProfile: {},
    inDirectory: false,
    isDirect: false,
    invite: [],
    initialState: [],
    ...options,
  };
}
