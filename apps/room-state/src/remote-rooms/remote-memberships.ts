import type { FederationClient } from '@atoll/federation-client';
import {
  type EventId,
  forbidden,
  isJsonObject,
  type JsonObject,
  MatrixError,
  overloaded,
  prevEventIds,
  type ServerName,
} from '@atoll/matrix';
import {
  type RoomVersionRules,
  type StateKey,
  stateKey,
  type StateMap,
  supportedRoomVersions,
} from '@atoll/room-rules';
import type { ReceivedEvent, ReceivedPduCheck } from '@atoll/server-keys';
import type { PduAcceptance } from '../accept-pdus/pdu-acceptance.js';
import type { GuestAccess } from '../guest-access/guest-access.js';
import { RequestSlots } from '../missing-events/request-slots.js';
import type { OutlierIntake, OutlierRoom, TakenOutlier } from '../outliers/outlier-intake.js';
import type { PolicySignatures } from '../policy-server/policy-signatures.js';
import type { RoomCommands } from '../room-actor/room-commands.js';
import { askInTurn, helpIn, NoHelp, unusable } from './ask-in-turn.js';
import { type JoinAnswers, MAX_JOIN_ANSWER_BYTES } from './join-answers.js';
import { memberEventFrom, type OwnMemberEvent, type RemoteWish } from './member-event.js';
import type { OwnSignature } from './own-signature.js';
import type { RoomJoins } from './room-joins.js';
import type { RoomSizeLimit } from './room-size-limit.js';
import type { UnjoinedRooms } from './unjoined-rooms.js';

const MAKE_TIMEOUT_MS = 20_000;
const SEND_TIMEOUT_MS = 120_000;
const RETRY_AFTER_MS = 10_000;
/** Joins by one server, and by all of them, of which the answers are on their way or being taken: each may be large. */
const JOINS = [4, 16] as const;
/** An answer of about a thousand members. Of larger ones, few are taken at once. */
const LARGE_BYTES = 1024 * 1024;
const LARGE_JOINS = 2;

/** A join by way of one server. */
interface JoinBy {
  readonly server: ServerName;
  readonly own: OwnMemberEvent;
  readonly room: OutlierRoom;
  /** Whether this server is in the room already. */
  readonly isInRoom: boolean;
  readonly isGuest: boolean;
  /** Ms since 1970. */
  readonly deadline: number;
  readonly transaction: RemoteWish['transaction'];
}

/** Carries the memberships of this server's users into rooms of others, with the help of servers that are in them. */
export class RemoteMemberships {
  private readonly slots = new RequestSlots(...JOINS);
  private readonly largeSlots = new RequestSlots<'large'>(LARGE_JOINS, LARGE_JOINS);

  constructor(
    private readonly own: OwnSignature,
    private readonly federation: FederationClient,
    private readonly checks: ReceivedPduCheck,
    private readonly intake: OutlierIntake,
    private readonly rooms: RoomCommands,
    private readonly acceptance: PduAcceptance,
    private readonly unjoined: UnjoinedRooms,
    private readonly joins: RoomJoins,
    private readonly policySignatures: PolicySignatures,
    private readonly answers: JoinAnswers,
    private readonly size: RoomSizeLimit,
    private readonly guests: GuestAccess,
  ) {}

  /**
   * Joins with the help of the first server that can: make_join, our event, send_join; the state that comes is checked event by event
   * before the room is ours. Should this server be in the room already, and only lack a member who may let the user in, the join is an
   * event like any other.
   * @param deadline ms since 1970
   * @throws MatrixError what the most telling server answered, `M_RESOURCE_LIMIT_EXCEEDED` for a room that is too large,
   *   `M_GUEST_ACCESS_FORBIDDEN` for one that is not for guests
   * @see https://spec.matrix.org/v1.19/server-server-api/#joining-rooms
   */
  async join(
    wish: RemoteWish,
    servers: readonly ServerName[],
    deadline: number,
    isInRoom = false,
  ): Promise<EventId> {
    // Of a room that this server is in, its own state has told already.
    const isGuest = !isInRoom && (await this.guests.isGuest(wish.user));
    return askInTurn(servers, async (server) => {
      if (!isInRoom) await this.size.ask(server, wish.roomId);
      if (isGuest) await this.guests.ask(server, wish.roomId);
      const own = await this.make(server, wish);
      const room = await this.unjoined.ensure(wish.roomId, own.rules);
      const by = { server, own, room, isInRoom, isGuest, deadline, transaction: wish.transaction };
      const join = () => this.slots.run(server, () => this.joinWith(by));
      return isInRoom ? join() : this.unjoined.whileJoining(room, join);
    });
  }

  private async joinWith(by: JoinBy): Promise<EventId> {
    const { server, own, room, deadline } = by;
    // Others joined meanwhile: before a server is told of the join, there must be time for it.
    if (Date.now() >= deadline) throw overloaded(RETRY_AFTER_MS);
    const path = `/_matrix/federation/v2/send_join/${pathOf(room.roomId, own.event.eventId)}`;
    const bytes = helpIn(
      await this.federation.sendForBytes(server, 'PUT', path, ownJson(own), {
        timeoutMs: SEND_TIMEOUT_MS,
        maxBytes: MAX_JOIN_ANSWER_BYTES,
      }),
    );
    const take = () => this.takeJoin(by, bytes);
    return bytes.length > LARGE_BYTES ? this.largeSlots.run('large', take) : take();
  }

  private async takeJoin(by: JoinBy, bytes: Buffer): Promise<EventId> {
    const { server, own, room } = by;
    const answer = await this.answers.split(bytes);
    if (!answer) throw unusable(server, 'no state');
    await this.orTakeBack(by, () => {
      if (!by.isInRoom) this.size.assertFits(answer.state.length);
    });
    const signed = await this.signedJoin(server, own, answer.event);
    const standing = await this.intake.takeState(room, answer);
    if (!isStateOf(standing, own.rules)) throw unusable(server, 'the create event is missing');
    await this.orTakeBack(by, () => {
      if (by.isGuest) this.guests.assertLetIn(standing);
    });
    return this.placeJoin(by, signed, standing);
  }

  /** The other servers have seen the join: when it is no room for the user, they are told of a leave. */
  private async orTakeBack({ server, own: { event } }: JoinBy, check: () => void): Promise<void> {
    try {
      check();
    } catch (error) {
      const { roomId, pdu } = event;
      const wish = { roomId, user: pdu.sender, membership: 'leave', content: {} } as const;
      await this.sendLeave(server, wish).catch((failure: unknown) => {
        if (!(failure instanceof NoHelp)) throw failure;
      });
      throw error;
    }
  }

  /** Of a room that this server is in already, it is an event like any other; others may have joined it in the meantime. */
  private async placeJoin(
    { deadline, transaction }: JoinBy,
    own: ReceivedEvent,
    state: ReadonlyMap<StateKey, TakenOutlier>,
  ): Promise<EventId> {
    const { eventId, roomId, pdu } = own.event;
    const join = await this.policySignatures.completeOne(roomId, own);
    const outcome = await this.rooms.run(roomId, deadline, async (actor) => {
      if (!actor) throw new Error('the room that is being joined is gone');
      if (!(await this.unjoined.isJoined(actor))) {
        return { answer: 'accepted', unit: await this.joins.place(actor, join, state, transaction) };
      }
      const before: StateMap = new Map(Array.from(state, ([key, { event }]) => [key, event.eventId]));
      const given = new Map(prevEventIds(pdu).map((id) => [id, before]));
      const { answer, ...decision } = await this.acceptance.decide(actor, join, { given, transaction });
      return { answer: answer.outcome, ...decision };
    });
    if (outcome === 'accepted' || outcome === 'duplicate') return eventId;
    throw forbidden('The room does not allow the join');
  }

  /**
   * Takes an invite or knock back with the help of a server in the room. Where none helps, the event is drawn up here: the user must be
   * able to leave, whatever the others say.
   * @see https://spec.matrix.org/v1.19/server-server-api/#leaving-rooms-rejecting-invites
   */
  async leave(wish: RemoteWish, servers: readonly ServerName[], deadline: number): Promise<EventId> {
    const helped = await askInTurn(servers, (server) => this.sendLeave(server, wish)).catch(
      (error: unknown) => {
        if (error instanceof MatrixError) return undefined;
        throw error;
      },
    );
    return this.placeUnjoined(wish, helped, deadline);
  }

  private async sendLeave(server: ServerName, wish: RemoteWish): Promise<OwnMemberEvent> {
    const own = await this.make(server, wish);
    const path = `/_matrix/federation/v2/send_leave/${pathOf(wish.roomId, own.event.eventId)}`;
    helpIn(await this.federation.send(server, 'PUT', path, ownJson(own)));
    return own;
  }

  /**
   * Knocks with the help of the first server that can.
   * @throws MatrixError what the most telling server answered
   * @see https://spec.matrix.org/v1.19/server-server-api/#knocking-rooms
   */
  async knock(wish: RemoteWish, servers: readonly ServerName[], deadline: number): Promise<EventId> {
    const { own, strippedState } = await askInTurn(servers, async (server) => {
      const made = await this.make(server, wish);
      const path = `/_matrix/federation/v1/send_knock/${pathOf(wish.roomId, made.event.eventId)}`;
      const answer = helpIn(await this.federation.send(server, 'PUT', path, ownJson(made)));
      const state = isJsonObject(answer) ? answer['knock_room_state'] : undefined;
      return { own: made, strippedState: Array.isArray(state) ? state.filter(isJsonObject) : [] };
    });
    return this.placeUnjoined(wish, own, deadline, JSON.stringify(strippedState));
  }

  private async make(server: ServerName, wish: RemoteWish): Promise<OwnMemberEvent> {
    const { roomId, user, membership } = wish;
    const versions = supportedRoomVersions.map(({ version }) => `ver=${version}`).join('&');
    const query = membership === 'leave' ? '' : `?${versions}`;
    const path = `/_matrix/federation/v1/make_${membership}/${pathOf(roomId, user)}${query}`;
    const answer = helpIn(
      await this.federation.send(server, 'GET', path, undefined, { timeoutMs: MAKE_TIMEOUT_MS }),
    );
    const { event, room_version: version } = isJsonObject(answer) ? answer : {};
    const own = await memberEventFrom(event, wish, version, this.own.serverName, this.own.key);
    if (!own) throw unusable(server, 'another event than was asked for');
    return own;
  }

  /**
   * The join as others get it: ours, or the copy that the resident server has signed as well, if that is the same event. A copy that does
   * not stand up to the checks is passed over: a room that needs it will refuse the join.
   */
  private async signedJoin(
    server: ServerName,
    { event, rules }: OwnMemberEvent,
    copy: string | undefined,
  ): Promise<ReceivedEvent> {
    const own: ReceivedEvent = { event, exact: event.pdu };
    const authoriser = event.pdu.content['join_authorised_via_users_server'];
    if (authoriser === undefined || !rules.authoriserServerSigns) return own;
    if (copy === undefined) throw unusable(server, 'the join is not signed');
    const checked = await this.checks.check(copy, rules);
    if ('refused' in checked || checked.event.eventId !== event.eventId) {
      throw unusable(server, 'the join is not signed');
    }
    return checked;
  }

  private async placeUnjoined(
    wish: RemoteWish,
    own: OwnMemberEvent | undefined,
    deadline: number,
    strippedState?: string,
  ): Promise<EventId> {
    if (own) await this.unjoined.ensure(wish.roomId, own.rules);
    return this.rooms.run(wish.roomId, deadline, async (actor) => {
      if (!actor) throw new MatrixError(404, 'M_NOT_FOUND', 'There is no such room');
      const { event } = own ?? (await this.unjoined.ownLeave(actor, wish));
      const unit = await this.unjoined.place(actor, { event, exact: event.pdu }, strippedState);
      return { answer: event.eventId, unit };
    });
  }
}

const pathOf = (...ids: string[]) => ids.map(encodeURIComponent).join('/');
const ownJson = ({ event }: OwnMemberEvent) => event.pdu as JsonObject;

/** Whether the state has a create event, and one of the version that the join was made for. */
function isStateOf(state: ReadonlyMap<StateKey, TakenOutlier>, { version }: RoomVersionRules): boolean {
  const create = state.get(stateKey('m.room.create', ''));
  return create !== undefined && (create.event.pdu.content['room_version'] ?? '1') === version;
}
