import { REMOTE_MEMBERSHIP_TIMEOUT_MS } from '@atoll/contract';
import {
  type Interner,
  NotOwnerError,
  type OutlierTransactor,
  type RoomServersReader,
  type RoomTransactor,
} from '@atoll/database';
import {
  isUserId,
  MatrixError,
  notFound,
  type RoomEvent,
  type RoomId,
  serverNameOf,
  type UserId,
} from '@atoll/matrix';
import { buildEvent, type EventDraft, referenceTo, type RoomVersionRules, rulesOf } from '@atoll/room-rules';
import type { ReceivedEvent } from '@atoll/server-keys';
import type { OutlierRoom } from '../outliers/outlier-intake.js';
import { chosenEventId } from '../append-event/chosen-event-ids.js';
import { membershipIn } from '../append-event/local-event-builder.js';
import type { EventCache } from '../room-actor/event-cache.js';
import type { CommitUnit } from '../room-actor/group-commit.js';
import type { KnownEvent, PendingEvent } from '../room-actor/pending-event.js';
import { type RoomActor, roomBlocked } from '../room-actor/room-actor.js';
import type { RoomRegistry } from '../room-actor/room-registry.js';
import type { OwnSignature } from './own-signature.js';
import type { OwnMemberEvent, RemoteWish } from './member-event.js';

/**
 * Rooms that this server is not in, as far as they concern its users: invited to, knocked on, left by others' doing. Their member events
 * get positions, so that syncs show them, but stay outliers: of the state around them nothing is known.
 */
export class UnjoinedRooms {
  constructor(
    private readonly servers: RoomServersReader,
    private readonly registry: RoomRegistry,
    private readonly outliers: OutlierTransactor,
    private readonly transactor: RoomTransactor,
    private readonly interner: Interner,
    private readonly events: EventCache,
    private readonly own: OwnSignature,
    /** Has the staged events of a room taken. */
    private readonly wakeStaged: (roomId: RoomId) => void,
  ) {}

  /** Whether a user of this server is joined to the room. */
  isJoined({ roomNid }: RoomActor): Promise<boolean> {
    return this.servers.isInRoom(this.own.serverName, roomNid);
  }

  /**
   * The room by what others say of it; known from now on.
   * @throws MatrixError 400 when this server has its state, and it is of another version; 403 when it was blocked meanwhile
   * @throws NotOwner, NotOwnerError
   */
  async ensure(roomId: RoomId, version: RoomVersionRules): Promise<OutlierRoom> {
    const ownership = this.registry.ownership(roomId);
    const stored = await this.outliers.ensureRoom({ roomId, version: version.version }, ownership);
    if (!stored) throw roomBlocked();
    const rules = rulesOf(stored.version);
    if (rules !== version) {
      throw new MatrixError(400, 'M_INCOMPATIBLE_ROOM_VERSION', 'The room is of another version', {
        room_version: stored.version,
      });
    }
    this.registry.met(roomId, stored.roomNid);
    await this.registry.dropUnless(roomId, rules);
    return { roomId, roomNid: stored.roomNid, rules, ...ownership };
  }

  /**
   * Joins a room; meanwhile its events are let in, to be taken when the join is done or has failed. Two joins at once are unlikely and
   * harmless: the events that then come too early are fetched when the next one cites them.
   */
  async whileJoining<T>({ roomId, roomNid, ...fence }: OutlierRoom, join: () => Promise<T>): Promise<T> {
    await this.outliers.markJoining(roomNid, Date.now() + REMOTE_MEMBERSHIP_TIMEOUT_MS, fence);
    try {
      return await join();
    } finally {
      await this.outliers.markJoining(roomNid, null, fence).catch(ignoreLostOwnership);
      this.wakeStaged(roomId);
    }
  }

  /** Makes the actor take a member event that nothing but its signatures vouch for. */
  async place(
    actor: RoomActor,
    { event: received, exact }: ReceivedEvent,
    strippedState?: string,
  ): Promise<CommitUnit> {
    const { pdu } = received;
    const earlier = (await this.events.load([received.eventId])).get(received.eventId);
    if (earlier?.inTimeline === true) return nothingNew(actor);
    const event: KnownEvent = {
      ...received,
      eventNid: earlier?.eventNid ?? (await this.transactor.reserveEventNid()),
      reference: referenceTo({ ...received, pdu: exact }, actor.rules),
      bytes: JSON.stringify(exact).length,
      accepted: false,
      outlier: true,
      inTimeline: true,
    };
    const user = pdu.state_key ?? '';
    const typeNid = await this.interner.typeNid(pdu.type);
    const stateKeyNid = await this.interner.stateKeyNid(user);
    const membership = membershipIn(pdu.content);
    const { eventId, eventNid } = event;
    const pending: PendingEvent = {
      event,
      typeNid,
      stateKeyNid,
      senderNid: await this.interner.stateKeyNid(pdu.sender),
      verdict: 'outlier',
      problem: null,
      signed: Promise.resolve(exact),
      inTimeline: true,
      edits: [
        {
          ...{ type: pdu.type, stateKey: user, typeNid, stateKeyNid, eventId, eventNid },
          ...(membership && { membership }),
        },
      ],
      ...(strippedState !== undefined && { strippedState }),
    };
    actor.take(pending, actor.extremities);
    this.events.hold(event);
    return { actor, events: [pending], extremities: actor.extremities, depth: actor.depth };
  }

  /** A leave on top of the invite or knock that the user holds, for this server alone. */
  async ownLeave(actor: RoomActor, { roomId, user, content }: RemoteWish): Promise<OwnMemberEvent> {
    const held = await this.memberEvent(actor, user);
    if (!held) throw notFound('There is no such room');
    const draft: EventDraft = {
      type: 'm.room.member',
      room_id: roomId,
      ...chosenEventId(this.own.serverName, actor.rules),
      sender: user,
      state_key: user,
      content: { ...content, membership: 'leave' },
      origin_server_ts: Date.now(),
      depth: Math.min(held.pdu.depth + 1, Number.MAX_SAFE_INTEGER),
      prev_events: [held.reference],
      auth_events: [held.reference],
    };
    return {
      event: await buildEvent(draft, actor.rules, this.own.serverName, this.own.key),
      rules: actor.rules,
    };
  }

  /** What the user holds in a room that this server is not in, such as an invite. */
  async memberEvent(actor: RoomActor, user: UserId): Promise<KnownEvent | undefined> {
    const id = actor.stateEventId('m.room.member', user);
    return id === undefined ? undefined : (await this.events.load([id])).get(id);
  }

  /** The invite or knock of a local user that a received member event is about, if this server is not in the room. */
  async heldMembership(actor: RoomActor, { pdu, eventId }: RoomEvent): Promise<KnownEvent | undefined> {
    if (pdu.type !== 'm.room.member' || !isUserId(pdu.state_key)) return undefined;
    if (serverNameOf(pdu.state_key) !== this.own.serverName) return undefined;
    const held = await this.memberEvent(actor, pdu.state_key);
    if (held?.outlier !== true || !held.inTimeline || held.eventId === eventId) return undefined;
    return (await this.isJoined(actor)) ? undefined : held;
  }
}

/** The next owner joins anew; the mark ends by itself. */
function ignoreLostOwnership(error: unknown): void {
  if (!(error instanceof NotOwnerError)) throw error;
}

function nothingNew(actor: RoomActor): CommitUnit {
  return { actor, events: [], extremities: actor.extremities, depth: actor.depth };
}
