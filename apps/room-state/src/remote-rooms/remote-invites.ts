import type { MembershipAction } from '@atoll/contract';
import type { FederationClient } from '@atoll/federation-client';
import {
  type EventId,
  forbidden,
  isJsonObject,
  type JsonObject,
  MatrixError,
  type Pdu,
  type RoomEvent,
  type RoomId,
  serverNameOf,
  type UserId,
} from '@atoll/matrix';
import {
  type HashedEvent,
  type PolicyServer,
  type RoomVersionRules,
  signHashedEvent,
} from '@atoll/room-rules';
import type { ReceivedPduCheck } from '@atoll/server-keys';
import type { PduAcceptance } from '../accept-pdus/pdu-acceptance.js';
import type { MembershipChange, MembershipChanges } from '../change-membership/membership-changes.js';
import type { PolicyQuestions } from '../policy-server/policy-questions.js';
import { policyRoom, type PolicyServers } from '../policy-server/policy-servers.js';
import type { PendingEvent } from '../room-actor/pending-event.js';
import type { RoomActor } from '../room-actor/room-actor.js';
import type { RoomCommands } from '../room-actor/room-commands.js';
import { NoHelp, helpIn } from './ask-in-turn.js';
import type { OwnSignature } from './own-signature.js';
import type { StrippedStates } from './stripped-states.js';

const TIMEOUT_MS = 20_000;

/** Who invites whom to what. */
interface Invitation {
  readonly roomId: RoomId;
  readonly sender: UserId;
  readonly target: UserId;
  /** Of the client, to be kept with the invite. */
  readonly transaction?: PendingEvent['transaction'] | undefined;
}

/** Invites of other servers' users: an invite counts once the invited user's server has signed it. */
export class RemoteInvites {
  constructor(
    private readonly own: OwnSignature,
    private readonly federation: FederationClient,
    private readonly checks: ReceivedPduCheck,
    private readonly rooms: RoomCommands,
    private readonly acceptance: PduAcceptance,
    private readonly changes: MembershipChanges,
    private readonly stripped: StrippedStates,
    private readonly policies: PolicyServers,
    private readonly questions: PolicyQuestions,
  ) {}

  /** Whether somebody of another server is being invited. */
  concerns({ action, target }: { readonly action: MembershipAction; readonly target: UserId }): boolean {
    return action === 'invite' && serverNameOf(target) !== this.own.serverName;
  }

  /**
   * Invites on behalf of a local user.
   * @throws MatrixError as {@link send}
   */
  async invite(change: MembershipChange & Invitation, deadline: number): Promise<EventId> {
    const eventId = await this.send(change, deadline, async (actor) => {
      if (!actor) throw forbidden('You are not in this room');
      return (await this.changes.build(actor, change))?.hashed;
    });
    if (eventId === undefined) throw forbidden('The user is in the room already');
    return eventId;
  }

  /**
   * 1. In the room's turn: build and authorise the event, as it would be taken now.
   * 2. Outside of it, however long that takes: the room's policy server signs, if it has one, then the invited user's server.
   * 3. In another turn: the event goes the way of events that others made, for the room may have moved on.
   * @param deadline ms since 1970
   * @param build makes the invite; undefined when nothing has to change
   * @throws MatrixError `M_FORBIDDEN`; what the other server refused it with; 502 or 504 when it did not answer
   * @see https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room
   */
  async send(
    { roomId, sender, target, transaction }: Invitation,
    deadline: number,
    build: (actor: RoomActor | undefined) => Promise<HashedEvent | undefined>,
  ): Promise<EventId | undefined> {
    const made = await this.rooms.run(roomId, deadline, async (actor) => {
      const hashed = await build(actor);
      if (!actor || !hashed) return { answer: undefined };
      const state = await this.stripped.of(actor, sender);
      const policyServer = await this.policies.missingOn(hashed.event.pdu, policyRoom(actor));
      return { answer: { hashed, state, rules: actor.rules, policyServer } };
    });
    if (!made) return undefined;
    const { rules, state } = made;
    const recommended = await this.recommended(made.hashed, made.policyServer, rules, deadline);
    const invite = await this.signed(recommended, rules, target, state);
    const result = await this.acceptance.accept(roomId, { event: invite, exact: invite.pdu }, deadline, {
      transaction,
    });
    if (result.outcome === 'accepted' || result.outcome === 'duplicate') return result.eventId;
    throw forbidden('The room has changed meanwhile and no longer allows the invite');
  }

  /** With our signature, and that of the policy server. */
  private async recommended(
    hashed: HashedEvent,
    policyServer: PolicyServer | undefined,
    rules: RoomVersionRules,
    deadline: number,
  ): Promise<RoomEvent> {
    const event = await signHashedEvent(hashed, this.own.serverName, this.own.key);
    if (!policyServer) return event;
    return (await this.questions.signed({ event, exact: event.pdu }, policyServer, rules, deadline)).event;
  }

  private async signed(
    event: RoomEvent,
    rules: RoomVersionRules,
    target: UserId,
    state: readonly JsonObject[],
  ): Promise<RoomEvent> {
    const server = serverNameOf(target);
    const path = `/_matrix/federation/v2/invite/${encodeURIComponent(event.roomId)}/${encodeURIComponent(event.eventId)}`;
    const content = {
      room_version: rules.version,
      event: event.pdu as JsonObject,
      invite_room_state: [...state],
    };
    const answer = helpOr502(
      await this.federation.send(server, 'PUT', path, content, { timeoutMs: TIMEOUT_MS }),
    );
    const copy = isJsonObject(answer) ? answer['event'] : undefined;
    const signatures =
      isJsonObject(copy) && isJsonObject(copy['signatures']) ? copy['signatures'][server] : {};
    const ofServer = { ...event.pdu.signatures[server], ...(isJsonObject(signatures) && signatures) };
    const pdu = { ...event.pdu, signatures: { ...event.pdu.signatures, [server]: ofServer } } as Pdu;
    if (!isJsonObject(signatures) || !(await this.checks.isSignedBy(pdu, server, rules))) {
      throw new MatrixError(502, 'M_UNKNOWN', `The server ${server} did not sign the invite`);
    }
    return { ...event, pdu };
  }
}

function helpOr502(result: Parameters<typeof helpIn>[0]) {
  try {
    return helpIn(result);
  } catch (error) {
    throw error instanceof NoHelp ? error.error : error;
  }
}
