import type { RoomActorReader } from '@atoll/database';
import type { SigningKey } from '@atoll/event-crypto';
import {
  DUMMY_EVENT_TYPE,
  type EventId,
  type JsonObject,
  MatrixError,
  type Pdu,
  type RoomEvent,
  type RoomId,
  type ServerName,
  type UserId,
} from '@atoll/matrix';
import { authTypesForEvent, buildEvent, type EventDraft, stateKey, type StateMap } from '@atoll/room-rules';
import { counter } from '@atoll/telemetry';
import { authorizePdu } from '../accept-pdus/authorize-pdu.js';
import type { BranchStates } from '../accept-pdus/branch-states.js';
import type { PduAcceptance } from '../accept-pdus/pdu-acceptance.js';
import { chosenEventId, referencesTo } from '../append-event/chosen-event-ids.js';
import { MAX_PREV_EVENTS } from '../append-event/local-event-builder.js';
import type { LocalEventSending } from '../policy-server/local-event-sending.js';
import { policyRoom, type PolicyServers } from '../policy-server/policy-servers.js';
import { UnsignedByPolicyServer } from '../policy-server/unsigned-by-policy-server.js';
import type { EventCache } from '../room-actor/event-cache.js';
import type { RoomActor } from '../room-actor/room-actor.js';
import type { Decision, RoomCommands } from '../room-actor/room-commands.js';

/** From more on, the next resolution costs more than an event that ends them. */
const MAX_EXTREMITIES = 10;
/** Each takes away up to 19. */
const MAX_MERGES = 50;
const DEADLINE_MS = 30_000;
/** Local users that are tried for one who may send. */
const MAX_SENDERS = 5;

const merges = counter('atoll_extremity_merges_total', 'Events that were sent to merge forward extremities');

type Said = Pick<EventDraft, 'type' | 'state_key' | 'content'>;

/**
 * Keeps the forward extremities of a room few: every event and every state with many of them is dear, and local events can name no more
 * than 20. Other servers do the same with the same event type, which no client shows.
 */
export class ExtremityMerge {
  constructor(
    private readonly rooms: RoomCommands,
    private readonly acceptance: PduAcceptance,
    private readonly branches: BranchStates,
    private readonly events: EventCache,
    private readonly reader: RoomActorReader,
    private readonly serverName: ServerName,
    private readonly key: SigningKey,
    private readonly policies: PolicyServers,
    private readonly sending: LocalEventSending,
  ) {}

  /** Merges the room's extremities until they are few, or no local user may. @throws NotOwner */
  async merge(roomId: RoomId): Promise<void> {
    const deadline = Date.now() + DEADLINE_MS;
    for (let count = 0; count < MAX_MERGES; count += 1) {
      if (!(await this.rooms.look(roomId, deadline, isSpread))) return;
      if (!(await this.mergeOnce(roomId, deadline))) return;
      merges.add(1);
    }
  }

  private async mergeOnce(roomId: RoomId, deadline: number): Promise<boolean> {
    try {
      const merged = await this.sending.run(roomId, deadline, undefined, async (actor) =>
        actor && isSpread(actor) ? this.decide(actor) : { answer: false },
      );
      return merged !== false;
    } catch (error) {
      // The room is busy, or its policy server does not want the event; the next look at the room tries again.
      if (error instanceof MatrixError) return false;
      throw error;
    }
  }

  /** The event takes the way of received ones, which know how to follow some of the extremities and not all. */
  private async decide(actor: RoomActor): Promise<Decision<boolean>> {
    await actor.drained();
    const prev = [...actor.extremities.keys()].slice(0, MAX_PREV_EVENTS);
    const before = await this.branches.after(actor, await this.branches.known(prev));
    const users = await this.reader.joinedUsersOf(actor.roomNid, this.serverName, MAX_SENDERS);
    for (const sender of users) {
      for (const said of [DUMMY, await this.joinAgain(before, sender)]) {
        const event = said && (await this.build(actor, said, { sender, prev, before }));
        if (!event) continue;
        const policyServer = await this.policies.missingOn(event.pdu, policyRoom(actor));
        if (policyServer) throw new UnsignedByPolicyServer(policyServer, event);
        const { answer, unit } = await this.acceptance.decide(actor, { event, exact: event.pdu });
        return { answer: answer.outcome === 'accepted', ...(unit && { unit }) };
      }
    }
    return { answer: false };
  }

  /** For those who may send nothing else: what their membership says already. */
  private async joinAgain(before: StateMap, user: UserId): Promise<Said | undefined> {
    const id = before.get(stateKey('m.room.member', user));
    const content = id && (await this.events.load([id])).get(id)?.pdu.content;
    if (content?.['membership'] !== 'join') return undefined;
    const { join_authorised_via_users_server: _, ...own } = content;
    return { type: 'm.room.member', state_key: user, content: own };
  }

  /** `undefined` when the sender may not send it. */
  private async build(
    actor: RoomActor,
    said: Said,
    at: { readonly sender: UserId; readonly prev: readonly EventId[]; readonly before: StateMap },
  ): Promise<RoomEvent | undefined> {
    const draft: EventDraft = {
      ...said,
      room_id: actor.roomId,
      ...chosenEventId(this.serverName, actor.rules),
      sender: at.sender,
      origin_server_ts: Date.now(),
      depth: Math.min(actor.depth + 1, Number.MAX_SAFE_INTEGER),
      prev_events: await referencesTo(at.prev, this.events, actor.rules),
      auth_events: [],
    };
    const types = authTypesForEvent(draft as unknown as Pdu, actor.rules);
    const auth = types.flatMap(([type, key]) => at.before.get(stateKey(type, key)) ?? []);
    draft.auth_events = await referencesTo(auth, this.events, actor.rules);
    const event = await buildEvent(draft, actor.rules, this.serverName, this.key);
    const authEvents = [...(await this.events.load(auth)).values()];
    const basis = { authEvents, before: at.before, current: actor.state };
    const { verdict } = await authorizePdu(event, basis, this.events, actor.rules);
    return verdict === 'accepted' ? event : undefined;
  }
}

const DUMMY: Said = { type: DUMMY_EVENT_TYPE, content: {} satisfies JsonObject };

function isSpread(actor: RoomActor): boolean {
  return actor.extremities.size > MAX_EXTREMITIES;
}
