import type { Config } from '@atoll/config';
import {
  ChangeMembership,
  type Command,
  type CommandInput,
  type CommandOutput,
  CreateRoom,
  partitionOf,
  SendEvent,
} from '@atoll/contract';
import { badJson, isEventId, type EventId, type RoomId, tooLarge } from '@atoll/matrix';
import { CommandClient } from '@atoll/redis-streams';
import { MAX_EVENT_BYTES } from '@atoll/room-rules';
import { Inject, Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { CONFIG } from '../../platform/tokens.js';

/** Asks the owner of a room, found by the room's partition. */
@Injectable()
export class RoomCommands {
  constructor(
    private readonly commands: CommandClient,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async createRoom(input: CommandInput<typeof CreateRoom>): Promise<RoomId> {
    return (await this.request(CreateRoom, input)).roomId;
  }

  /** Null when nothing had to change. */
  async changeMembership(input: CommandInput<typeof ChangeMembership>): Promise<EventId | null> {
    return (await this.request(ChangeMembership, input)).eventId;
  }

  /** @throws MatrixError 413 for a content that no event can hold, 400 for a redaction of what is no event id */
  async sendEvent(input: CommandInput<typeof SendEvent>): Promise<EventId> {
    if (Buffer.byteLength(JSON.stringify(input.content)) > MAX_EVENT_BYTES) {
      throw tooLarge(`Events are at most ${MAX_EVENT_BYTES} bytes`);
    }
    const { transaction, type, content } = input;
    if (type === 'm.room.redaction' && content['redacts'] !== undefined && !isEventId(content['redacts'])) {
      throw badJson('redacts must be an event id');
    }
    const key = transaction && keyOf(input.sender, transaction.deviceId, transaction.scope, transaction.id);
    return (await this.request(SendEvent, input, key)).eventId;
  }

  private request<C extends Command>(
    command: C,
    input: CommandInput<C> & { roomId: RoomId },
    idempotencyKey?: string,
  ): Promise<CommandOutput<C>> {
    const partition = partitionOf(input.roomId, this.config.partitions);
    return this.commands.request(command, {
      input,
      partition,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    });
  }
}

/** The same client transaction is the same wish, whichever instance it reaches. */
function keyOf(...transaction: string[]): string {
  return createHash('sha256').update(JSON.stringify(transaction)).digest('base64url');
}
