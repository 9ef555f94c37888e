import {
  ChangeMembership,
  type CommandInput,
  CreateRoom,
  type MembershipAction,
  REMOTE_MEMBERSHIP_TIMEOUT_MS,
  SendEvent,
} from '@atoll/contract';
import { badJson, isEventId, type EventId, type RoomId, tooLarge } from '@atoll/matrix';
import { MAX_EVENT_BYTES } from '@atoll/room-rules';
import { RoomClient } from '@atoll/service';
import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';

/** Other servers may take part in these: their room is entered or left, their user is invited. */
const REMOTE_ACTIONS: readonly MembershipAction[] = ['join', 'knock', 'leave', 'invite'];

/** Asks the owner of a room, found by the room's partition. */
@Injectable()
export class RoomCommands {
  constructor(private readonly rooms: RoomClient) {}

  async createRoom(input: CommandInput<typeof CreateRoom>): Promise<RoomId> {
    return (await this.rooms.request(CreateRoom, input)).roomId;
  }

  /** Null when nothing had to change. */
  async changeMembership(input: CommandInput<typeof ChangeMembership>): Promise<EventId | null> {
    const options = REMOTE_ACTIONS.includes(input.action) ? { timeoutMs: REMOTE_MEMBERSHIP_TIMEOUT_MS } : {};
    return (await this.rooms.request(ChangeMembership, input, options)).eventId;
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
    return (await this.rooms.request(SendEvent, input, key !== undefined ? { idempotencyKey: key } : {}))
      .eventId;
  }
}

/** The same client transaction is the same wish, whichever instance it reaches. */
function keyOf(...transaction: string[]): string {
  return createHash('sha256').update(JSON.stringify(transaction)).digest('base64url');
}
