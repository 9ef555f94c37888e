import type { RoomServersReader } from '@atoll/database';
import type { EventId, Pdu } from '@atoll/matrix';
import {
  isSignedByPolicyServer,
  needsPolicySignature,
  POLICY_STATE,
  type PolicyServer,
  policyServerIn,
  type RoomVersionRules,
} from '@atoll/room-rules';
import type { EventCache } from '../room-actor/event-cache.js';
import type { RoomActor } from '../room-actor/room-actor.js';

/** A room whose state may name a policy server. */
export interface PolicyRoom {
  readonly roomNid: number;
  readonly rules: RoomVersionRules;
  readonly policyId: EventId;
}

/** All that a room without a policy server pays: one look at its state. */
export function policyRoom(actor: RoomActor): PolicyRoom | undefined {
  const policyId = actor.stateEventId(...POLICY_STATE);
  return policyId === undefined ? undefined : { roomNid: actor.roomNid, rules: actor.rules, policyId };
}

/**
 * The policy servers of rooms, by their current state.
 * @see https://spec.matrix.org/v1.19/server-server-api/#policy-servers
 */
export class PolicyServers {
  constructor(
    private readonly events: EventCache,
    private readonly servers: RoomServersReader,
  ) {}

  /** The server whose recommendation an event of the room needs and does not have. */
  async missingOn(pdu: Pdu, room: PolicyRoom | undefined): Promise<PolicyServer | undefined> {
    const server = room && (await this.named(room));
    if (!server || !(await this.isUnsigned(pdu, server, room.rules))) return undefined;
    return (await this.isHere(server, room)) ? server : undefined;
  }

  /** What the state says; the server need not be in the room. */
  async named({ policyId }: PolicyRoom): Promise<PolicyServer | undefined> {
    const event = (await this.events.load([policyId])).get(policyId);
    return event && policyServerIn(event.pdu.content);
  }

  async isUnsigned(pdu: Pdu, server: PolicyServer, rules: RoomVersionRules): Promise<boolean> {
    return needsPolicySignature(pdu) && !(await isSignedByPolicyServer(pdu, server, rules));
  }

  /** Whether it serves the room: without a joined user it may not even know of it. Not for every event: large rooms make it dear. */
  isHere({ name }: PolicyServer, { roomNid }: PolicyRoom): Promise<boolean> {
    return this.servers.isInRoom(name, roomNid);
  }
}
