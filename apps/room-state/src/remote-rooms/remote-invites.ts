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
import { type HashedEvent, type RoomVersionRules, signHashedEvent } from '@atoll/room-rules';
import type { ReceivedPduCheck } from '@atoll/server-keys';
import type { PduAcceptance } from '../accept-pdus/pdu-acceptance.js';
import type { MembershipChange, MembershipChanges } from '../change-membership/membership-changes.js';
import type { RoomCommands } from '../room-actor/room-commands.js';
import { NoHelp, helpIn } from './ask-in-turn.js';
import type { OwnSignature } from './own-signature.js';
import type { StrippedStates } from './stripped-states.js';

const TIMEOUT_MS = 20_000;

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
  ) {}

  /** Whether somebody of another server is being invited. */
  concerns({ action, target }: { readonly action: MembershipAction; readonly target: UserId }): boolean {
    return action === 'invite' && serverNameOf(target) !== this.own.serverName;
  }

  /**
   * 1. In the room's turn: build and authorise the event, as it would be taken now.
   * 2. Outside of it, however long that takes: the invited user's server signs.
   * 3. In another turn: the event goes the way of events that others made, for the room may have moved on.
   * @param deadline ms since 1970
   * @throws MatrixError `M_FORBIDDEN`; what the other server refused it with; 502 or 504 when it did not answer
   * @see https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room
   */
  async invite(change: MembershipChange & { readonly roomId: RoomId }, deadline: number): Promise<EventId> {
    const { roomId, target } = change;
    const made = await this.rooms.run(roomId, deadline, async (actor) => {
      if (!actor) throw forbidden('You are not in this room');
      const built = await this.changes.build(actor, change);
      const state = await this.stripped.of(actor, change.sender);
      return { answer: built && { hashed: built.hashed, state, rules: actor.rules } };
    });
    if (!made) throw forbidden('The user is in the room already');
    const invite = await this.signed(made.hashed, made.rules, target, made.state);
    const result = await this.acceptance.accept(roomId, { event: invite, exact: invite.pdu }, deadline);
    if (result.outcome === 'accepted' || result.outcome === 'duplicate') return result.eventId;
    throw forbidden('The room has changed meanwhile and no longer allows the invite');
  }

  private async signed(
    hashed: HashedEvent,
    rules: RoomVersionRules,
    target: UserId,
    state: readonly JsonObject[],
  ): Promise<RoomEvent> {
    const event = await signHashedEvent(hashed, this.own.serverName, this.own.key);
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
    const pdu = { ...event.pdu, signatures: { ...event.pdu.signatures, [server]: signatures } } as Pdu;
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
