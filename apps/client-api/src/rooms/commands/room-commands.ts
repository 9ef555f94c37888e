import {
  ChangeMembership,
  type CommandInput,
  type CommandOutput,
  CreateRoom,
  ExchangeThirdPartyInvite,
  type MembershipAction,
  PrepareEvent,
  REMOTE_MEMBERSHIP_TIMEOUT_MS,
  SendEvent,
  SendPreparedEvent,
} from '@atoll/contract';
import { badJson, isEventId, type EventId, type JsonObject, type RoomId, tooLarge } from '@atoll/matrix';
import { MAX_EVENT_BYTES } from '@atoll/room-rules';
import { RoomClient } from '@atoll/service';
import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';

/** Other servers may take part in these: their room is entered or left, their user is invited. */
const REMOTE_ACTIONS: readonly MembershipAction[] = ['join', 'knock', 'leave', 'invite'];

/** An identity server and the server of the invited user may be asked meanwhile. */
const EXCHANGE_TIMEOUT_MS = 60_000;

/** Asks the owner of a room, found by the room's partition. */
@Injectable()
export class RoomCommands {
  constructor(private readonly rooms: RoomClient) {}

  /** @returns the room that was made first, where others are asked for by the same wish (for an hour) */
  async createRoom(input: CommandInput<typeof CreateRoom>, wish?: readonly string[]): Promise<RoomId> {
    const options = wish === undefined ? {} : { idempotencyKey: keyOf('create-room', ...wish) };
    return (await this.rooms.request(CreateRoom, input, options)).roomId;
  }

  /** Null when nothing had to change. The same wish gives the same answer for an hour. */
  async changeMembership(
    input: CommandInput<typeof ChangeMembership>,
    wish?: readonly string[],
  ): Promise<EventId | null> {
    const options = {
      ...(REMOTE_ACTIONS.includes(input.action) && { timeoutMs: REMOTE_MEMBERSHIP_TIMEOUT_MS }),
      ...(wish !== undefined && { idempotencyKey: keyOf('change-membership', ...wish) }),
    };
    return (await this.rooms.request(ChangeMembership, input, options)).eventId;
  }

  /** Null when nothing had to change. @throws MatrixError 403 for what is no proof of a pending invite, 404 for a room that this server is not in */
  async exchangeThirdPartyInvite(
    input: CommandInput<typeof ExchangeThirdPartyInvite>,
  ): Promise<EventId | null> {
    const options = { timeoutMs: EXCHANGE_TIMEOUT_MS };
    return (await this.rooms.request(ExchangeThirdPartyInvite, input, options)).eventId;
  }

  /** @throws MatrixError 413 for a content that no event can hold, 400 for a redaction of what is no event id */
  async sendEvent(input: CommandInput<typeof SendEvent>): Promise<EventId> {
    assertFitsEvent(input.content);
    const { transaction, type, content } = input;
    if (type === 'm.room.redaction' && content['redacts'] !== undefined && !isEventId(content['redacts'])) {
      throw badJson('redacts must be an event id');
    }
    const key = transaction && keyOf(input.sender, transaction.deviceId, transaction.scope, transaction.id);
    return (await this.rooms.request(SendEvent, input, key !== undefined ? { idempotencyKey: key } : {}))
      .eventId;
  }

  /** The event that would be sent now. The same wish gives the same event for about two minutes. */
  prepareEvent(
    input: CommandInput<typeof PrepareEvent>,
    wish: readonly string[],
  ): Promise<CommandOutput<typeof PrepareEvent>> {
    return this.rooms.request(PrepareEvent, input, { idempotencyKey: keyOf('prepare-event', ...wish) });
  }

  /** @throws MatrixError 403 when the room no longer allows what was prepared */
  async sendPrepared(input: CommandInput<typeof SendPreparedEvent>): Promise<EventId> {
    return (await this.rooms.request(SendPreparedEvent, input)).eventId;
  }
}

/** @throws MatrixError 413 for a content that no event can hold */
export function assertFitsEvent(content: JsonObject): void {
  if (Buffer.byteLength(JSON.stringify(content)) > MAX_EVENT_BYTES) {
    throw tooLarge(`Events are at most ${MAX_EVENT_BYTES} bytes`);
  }
}

/** What is the same here is the same wish, whichever instance it reaches. */
function keyOf(...wish: string[]): string {
  return createHash('sha256').update(JSON.stringify(wish)).digest('base64url');
}
