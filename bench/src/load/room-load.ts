import { randomUUID } from 'node:crypto';
import { ChangeMembership, type CommandInput, CreateRoom, partitionOf, SendEvent } from '@atoll/contract';
import { openDatabase, type Database } from '@atoll/database';
import { OwnerDirectory } from '@atoll/leases';
import type { EventId, JsonObject, RoomId, UserId } from '@atoll/matrix';
import { CommandClient, connectRedis, ReplyStream } from '@atoll/redis-streams';
import { hashDraft, rulesOf } from '@atoll/room-rules';
import type { Bench } from '../benchmark.js';
import { inParallel } from '../measure/closed-loop.js';

const PARTITIONS = 128;
const VERSION = '12';

export interface LoadRoom {
  readonly roomId: RoomId;
  readonly creator: UserId;
}

/** Gives room-state commands as client-api does, without the HTTP in front. */
export class RoomLoad {
  private transactions = 0;
  private lastTs = 0;

  private constructor(
    readonly database: Database,
    private readonly commands: CommandClient,
    readonly serverName: string,
  ) {}

  static async connect(
    bench: Bench,
    addresses: { databaseUrl: string; redisUrl: string; serverName: string },
  ): Promise<RoomLoad> {
    const name = `bench-${randomUUID()}`;
    const database = openDatabase({ url: addresses.databaseUrl, poolSize: 4, applicationName: name });
    bench.atEnd(() => database.close());
    const redis = connectRedis(addresses.redisUrl, name);
    await new Promise((resolve) => redis.once('ready', resolve));
    bench.atEnd(() => {
      redis.disconnect();
    });
    const replies = new ReplyStream(redis, name);
    replies.start();
    bench.atEnd(() => replies.stop());
    const owners = new OwnerDirectory(database, 'room-state');
    const commands = new CommandClient({ redis, service: 'room-state', replies, owners });
    bench.atEnd(() => {
      commands.stop();
    });
    return new RoomLoad(database, commands, addresses.serverName);
  }

  async createRooms(count: number): Promise<LoadRoom[]> {
    const rooms: LoadRoom[] = [];
    await inParallel(count, 16, async (index) => {
      const creator = `@creator${index}:${this.serverName}` as UserId;
      rooms.push({ creator, roomId: await this.createRoom(creator) });
    });
    return rooms;
  }

  /** Sends a message as a client's transaction. */
  async message({ roomId, creator }: LoadRoom, body: string): Promise<EventId> {
    const id = `t${(this.transactions += 1)}`;
    const { eventId } = await this.send(roomId, {
      sender: creator,
      type: 'm.room.message',
      content: { msgtype: 'm.text', body },
      transaction: { deviceId: 'BENCHDEVIC', scope: `rooms/${roomId}/send/m.room.message`, id },
    });
    return eventId;
  }

  async state(
    { roomId, creator }: LoadRoom,
    type: string,
    stateKey: string,
    content: JsonObject,
  ): Promise<void> {
    await this.send(roomId, { sender: creator, type, stateKey, content });
  }

  /** A local user of whom there is only the name joins a public room. */
  async join(roomId: RoomId, sender: UserId): Promise<void> {
    await this.commands.request(ChangeMembership, {
      input: { roomId, sender, target: sender, action: 'join', content: { displayname: sender.slice(1) } },
      partition: partitionOf(roomId, PARTITIONS),
    });
  }

  private send(roomId: RoomId, event: Omit<CommandInput<typeof SendEvent>, 'roomId'>) {
    const partition = partitionOf(roomId, PARTITIONS);
    return this.commands.request(SendEvent, { input: { roomId, ...event }, partition });
  }

  private async createRoom(creator: UserId): Promise<RoomId> {
    const rules = rulesOf(VERSION);
    if (!rules) throw new Error(`room version ${VERSION} is not supported`);
    // Two create events of one user and one millisecond would be the same room.
    this.lastTs = Math.max(this.lastTs + 1, Date.now());
    const { event } = hashDraft(
      {
        type: 'm.room.create',
        sender: creator,
        state_key: '',
        content: { room_version: VERSION },
        origin_server_ts: this.lastTs,
        depth: 1,
        prev_events: [],
        auth_events: [],
      },
      rules,
    );
    const { roomId } = event;
    await this.commands.request(CreateRoom, {
      partition: partitionOf(roomId, PARTITIONS),
      input: {
        roomId,
        roomVersion: VERSION,
        creator,
        createEvent: event.pdu as unknown as JsonObject,
        preset: 'public_chat',
        creatorProfile: {},
        inDirectory: false,
        isDirect: false,
        invite: [],
        initialState: [],
      },
    });
    return roomId;
  }
}
