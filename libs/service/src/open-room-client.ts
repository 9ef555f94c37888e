import type { Command, CommandInput, CommandOutput } from '@atoll/contract';
import { partitionOf } from '@atoll/contract';
import { OwnerDirectory } from '@atoll/leases';
import type { RoomId } from '@atoll/matrix';
import { CommandClient, connectRedis, type RedisConnection, ReplyStream } from '@atoll/redis-streams';
import type { Connections } from './open-connections.js';

/** Asks room-state: the owner of a room is found by the room's partition. */
export class RoomClient {
  constructor(
    private readonly commands: CommandClient,
    private readonly partitions: number,
  ) {}

  /** @throws MatrixError that room-state answered; 503 when it gave no answer in time (the effect may still come) */
  request<C extends Command>(
    command: C,
    input: CommandInput<C> & { readonly roomId: RoomId },
    options: { readonly idempotencyKey?: string; readonly timeoutMs?: number } = {},
  ): Promise<CommandOutput<C>> {
    return this.commands.request(command, {
      input,
      partition: partitionOf(input.roomId, this.partitions),
      ...options,
    });
  }
}

/** Redis, and the way over it to room-state. */
export interface RoomConnection {
  readonly redis: RedisConnection;
  readonly rooms: RoomClient;
  /** Who owns the partitions of rooms. */
  readonly owners: OwnerDirectory;
  close(): Promise<void>;
}

export function openRoomClient({ config, database, instance }: Connections): RoomConnection {
  const redis = connectRedis(config.redisUrl, instance);
  const replies = new ReplyStream(redis, instance);
  replies.start();
  const owners = new OwnerDirectory(database, 'room-state');
  const commands = new CommandClient({ redis, service: 'room-state', replies, owners });
  const close = async () => {
    commands.stop();
    await replies.stop();
    redis.disconnect();
  };
  return { redis, rooms: new RoomClient(commands, config.partitions), owners, close };
}
