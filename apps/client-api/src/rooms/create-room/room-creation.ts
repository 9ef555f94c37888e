import type { Config } from '@atoll/config';
import { type CommandInput, type CreateRoom, ROOM_EXISTS } from '@atoll/contract';
import { CanonicalJsonError } from '@atoll/event-crypto';
import {
  badJson,
  INVITE_BLOCKED,
  type JsonObject,
  MatrixError,
  overloaded,
  type RoomId,
} from '@atoll/matrix';
import { creatorsOf, type RoomVersionRules } from '@atoll/room-rules';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/tokens.js';
import { RoomCommands } from '../commands/room-commands.js';
import { createEvent, newRoomId } from './create-event.js';

type Input = CommandInput<typeof CreateRoom>;

/** All of a new room but its create event, and its id, which may come of that event. */
export type FirstState = Omit<Input, 'roomId' | 'createEvent'>;

/** Whether it is to be a room of its own, whatever else is asked for. */
export interface OneRoom {
  /** The room's id, where the version does not derive it from the create event. */
  readonly roomId?: RoomId | undefined;
  /** Rooms that are asked for by the same wish are one room. */
  readonly wish?: readonly string[];
}

/** Tries with another time, where the same user made the same room elsewhere in the same millisecond. */
const MAX_TRIES = 3;
const RETRY_AFTER_MS = 1000;

/** Makes create events, and has the owner of the room do the rest. */
@Injectable()
export class RoomCreation {
  private lastTimestamp = 0;

  constructor(
    private readonly commands: RoomCommands,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * @throws MatrixError `M_INVALID_ROOM_STATE` when the room's own rules refuse an initial event, `M_BAD_JSON`, `M_ROOM_IN_USE`,
   * `M_INVITE_BLOCKED`
   */
  async create(
    first: FirstState,
    content: JsonObject,
    rules: RoomVersionRules,
    { roomId, wish }: OneRoom = {},
  ): Promise<RoomId> {
    for (let tries = 1; ; tries++) {
      const { event, createEvent: hashed } = this.hash(first, content, rules, roomId);
      assertCreatorsHaveNoLevel(creatorsOf(event, rules), first.powerLevelContentOverride, rules);
      try {
        return await this.commands.createRoom({ ...first, roomId: event.roomId, createEvent: hashed }, wish);
      } catch (error) {
        if (!(error instanceof MatrixError)) throw error;
        const isRefused = error.status === 403 && error.errcode !== INVITE_BLOCKED;
        if (isRefused) throw new MatrixError(400, 'M_INVALID_ROOM_STATE', error.message);
        if (error.errcode !== ROOM_EXISTS) throw error;
        if (tries === MAX_TRIES) throw overloaded(RETRY_AFTER_MS);
      }
    }
  }

  private hash(
    { creator }: FirstState,
    content: JsonObject,
    rules: RoomVersionRules,
    roomId = newRoomId(this.config.serverName),
  ) {
    const { serverName } = this.config;
    // Two create events of one user and one millisecond could be the same event, and so the same room.
    this.lastTimestamp = Math.max(this.lastTimestamp + 1, Date.now());
    try {
      const event = createEvent(creator, content, rules, {
        serverName,
        roomId,
        timestamp: this.lastTimestamp,
      });
      const { signatures: _, ...unsigned } = event.pdu;
      return { event, createEvent: unsigned as JsonObject };
    } catch (error) {
      if (error instanceof CanonicalJsonError) throw badJson(error.message);
      throw error;
    }
  }
}

function assertCreatorsHaveNoLevel(
  creators: readonly string[],
  override: JsonObject | undefined,
  rules: RoomVersionRules,
): void {
  const users = override?.['users'];
  if (!rules.privilegedCreators || typeof users !== 'object' || users === null) return;
  if (creators.some((creator) => Object.hasOwn(users, creator))) {
    throw badJson('The creators of the room cannot be given a power level');
  }
}
