import type { GuestReader, RoomActorReader } from '@atoll/database';
import type { FederationClient } from '@atoll/federation-client';
import {
  guestAccessForbidden,
  isJsonObject,
  type MatrixError,
  type RoomId,
  type ServerName,
  type UserId,
} from '@atoll/matrix';
import { type StateKey, stateKey } from '@atoll/room-rules';
import type { TakenOutlier } from '../outliers/outlier-intake.js';
import { NoHelp } from '../remote-rooms/ask-in-turn.js';
import type { EventCache } from '../room-actor/event-cache.js';
import type { KnownEvent } from '../room-actor/pending-event.js';
import type { RoomActor } from '../room-actor/room-actor.js';

const TIMEOUT_MS = 5_000;

/**
 * Which rooms guests may join: no rule of the room, so that each server holds its own guests to it. An invite changes nothing about it.
 * @see https://spec.matrix.org/v1.19/client-server-api/#guest-access
 */
export class GuestAccess {
  constructor(
    private readonly guests: Pick<GuestReader, 'isGuest'>,
    private readonly reader: RoomActorReader,
    private readonly events: EventCache,
    private readonly federation: Pick<FederationClient, 'send'>,
  ) {}

  isGuest(user: UserId): Promise<boolean> {
    return this.guests.isGuest(user);
  }

  /** By the room's current state. @throws MatrixError 403 `M_GUEST_ACCESS_FORBIDDEN` */
  async assertMayJoin(actor: RoomActor, user: UserId): Promise<void> {
    if (!(await this.isGuest(user))) return;
    const id = actor.stateEventId('m.room.guest_access', '');
    const event = id && (await this.events.load([id])).get(id);
    if (!event || !letsGuestsIn(event) || (await this.reader.isRedacted(event.eventNid)))
      throw notForGuests();
  }

  /**
   * Asks a server in the room, before it hears of a guest's join. Not every server answers, and few do about rooms that are not public: then
   * the state shows it, when it comes.
   * @throws NoHelp with 403 `M_GUEST_ACCESS_FORBIDDEN`
   */
  async ask(server: ServerName, roomId: RoomId): Promise<void> {
    const path = `/_matrix/federation/v1/hierarchy/${encodeURIComponent(roomId)}`;
    const answer = await this.federation.send(server, 'GET', path, undefined, { timeoutMs: TIMEOUT_MS });
    const room = answer.outcome === 'answered' && isJsonObject(answer.body) ? answer.body['room'] : undefined;
    if (isJsonObject(room) && room['guest_can_join'] === false) throw new NoHelp(notForGuests());
  }

  /** By the state that came with a join, before it is placed. @throws MatrixError 403 `M_GUEST_ACCESS_FORBIDDEN` */
  assertLetIn(state: ReadonlyMap<StateKey, TakenOutlier>): void {
    const event = state.get(stateKey('m.room.guest_access', ''))?.event;
    if (!event || !letsGuestsIn(event)) throw notForGuests();
  }
}

function letsGuestsIn({ pdu }: Pick<KnownEvent, 'pdu'>): boolean {
  return pdu.content['guest_access'] === 'can_join';
}

function notForGuests(): MatrixError {
  return guestAccessForbidden('This room is not for guests');
}
