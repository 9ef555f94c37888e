import type { Interner, RoomTransactor } from '@atoll/database';
import { CanonicalJsonError, type SigningKey } from '@atoll/event-crypto';
import {
  badJson,
  type EventId,
  forbidden,
  type JsonObject,
  type Pdu,
  type ServerName,
  overloaded,
  type RoomId,
  tooLarge,
  type UserId,
} from '@atoll/matrix';
import {
  authorizeEvent,
  authTypesForEvent,
  checkEventSize,
  type EventDraft,
  hashDraft,
  type HashedEvent,
  referenceTo,
  type RoomVersionRules,
  signHashedEvent,
  type StateLookup,
} from '@atoll/room-rules';
import { chosenEventId, referencesTo } from './chosen-event-ids.js';
import { assertAllowedHere } from './local-rules.js';
import { assertStorable } from './storable-text.js';
import { policyRoom, type PolicyServers } from '../policy-server/policy-servers.js';
import { UnsignedByPolicyServer } from '../policy-server/unsigned-by-policy-server.js';
import type { EventCache } from '../room-actor/event-cache.js';
import type { PendingEvent, StateEdit } from '../room-actor/pending-event.js';
import type { RoomActor } from '../room-actor/room-actor.js';

/** What a local user wants to say; everything else of the event follows from the room. */
export interface LocalEvent {
  type: string;
  sender: UserId;
  stateKey?: string;
  content: JsonObject;
  redacts?: EventId;
  /** ms since 1970; now when absent. */
  originServerTs?: number;
}

/** PDUs name at most 20 predecessors. @see https://spec.matrix.org/v1.19/server-server-api/#pdus */
export const MAX_PREV_EVENTS = 20;
const RETRY_AFTER_MS = 1000;
const MAX_DEPTH = Number.MAX_SAFE_INTEGER;
/** Characters of an Ed25519 signature in unpadded Base64. */
const SIGNATURE_LENGTH = 86;
const CREATE = ['m.room.create', ''] as const;
const MEMBERSHIPS = ['join', 'invite', 'knock', 'leave', 'ban'] as const;

export const membershipIn = (content: JsonObject) =>
  MEMBERSHIPS.find((membership) => membership === content['membership']);

/** Makes events of this server's users: selects their auth events, hashes, authorises, and has them signed. */
export class LocalEventBuilder {
  /** As long as the real ones, for the size limit. */
  private readonly signaturesToCome: Pdu['signatures'];

  constructor(
    private readonly events: EventCache,
    private readonly interner: Interner,
    private readonly transactor: RoomTransactor,
    private readonly serverName: ServerName,
    private readonly key: SigningKey,
    private readonly policies: PolicyServers,
    /** Has the forward extremities of a room become fewer. */
    private readonly mergeExtremities: (roomId: RoomId) => void,
  ) {
    this.signaturesToCome = { [serverName]: { [key.keyId]: 'x'.repeat(SIGNATURE_LENGTH) } };
  }

  /**
   * Builds on the actor's current state, which is also the state before the event because all forward extremities must fit into
   * `prev_events`. The actor does not change: {@link append} makes it take the event.
   * @throws MatrixError `M_FORBIDDEN` with the rule that refused it, `M_TOO_LARGE`, `M_BAD_JSON`; 503 until a room with more
   *   extremities than fit is merged
   */
  async build(
    actor: RoomActor,
    local: LocalEvent,
  ): Promise<{ hashed: HashedEvent; prev: readonly EventId[] }> {
    assertStorable(local.type, local.stateKey ?? '');
    if (actor.extremities.size > MAX_PREV_EVENTS) {
      this.mergeExtremities(actor.roomId);
      throw overloaded(RETRY_AFTER_MS);
    }
    const prev = [...actor.extremities.keys()];
    const draft: EventDraft = {
      type: local.type,
      room_id: actor.roomId,
      ...chosenEventId(this.serverName, actor.rules),
      sender: local.sender,
      ...(local.stateKey !== undefined && { state_key: local.stateKey }),
      content: local.content,
      origin_server_ts: local.originServerTs ?? Date.now(),
      depth: Math.min(actor.depth + 1, MAX_DEPTH),
      prev_events: await referencesTo(prev, this.events, actor.rules),
      auth_events: [],
      ...(local.redacts !== undefined && !actor.rules.redactsInContent && { redacts: local.redacts }),
    };
    const authTypes = authTypesForEvent(draft as unknown as Pdu, actor.rules);
    const auth = authTypes.flatMap(([type, key]) => actor.stateEventId(type, key) ?? []);
    draft.auth_events = await referencesTo(auth, this.events, actor.rules);
    return { hashed: await this.check(actor, draft), prev };
  }

  /**
   * Hashes the draft of an event and checks it as every event is checked.
   * @throws MatrixError `M_FORBIDDEN` with the rule that refused it, `M_TOO_LARGE`, `M_BAD_JSON`
   */
  async check(actor: RoomActor, draft: EventDraft): Promise<HashedEvent> {
    const hashed = hash(draft, actor.rules);
    const sizeProblem = checkEventSize({ ...hashed.event.pdu, signatures: this.signaturesToCome });
    if (sizeProblem !== undefined) throw tooLarge(sizeProblem);
    const types = authTypesForEvent(hashed.event.pdu, actor.rules);
    const lookup = await this.stateLookup(actor, [CREATE, ...types]);
    assertAllowedHere(hashed.event.pdu, lookup, actor.rules);
    const rejection = authorizeEvent(hashed.event, lookup, actor.rules);
    if (rejection) throw forbidden(rejection.reason);
    return hashed;
  }

  /**
   * Makes the actor take a built event and returns it as it waits for its commit.
   * @throws UnsignedByPolicyServer in a room whose policy server must recommend the event first: for `LocalEventSending`
   */
  async append(
    actor: RoomActor,
    { hashed, prev }: { hashed: HashedEvent; prev: readonly EventId[] },
    extra: Pick<PendingEvent, 'transaction' | 'redactsNid'> = {},
  ): Promise<PendingEvent> {
    const { pdu, eventId } = hashed.event;
    const room = policyRoom(actor);
    const policyServer = room && (await this.policies.missingOn(pdu, room));
    if (policyServer) {
      const event = await signHashedEvent(hashed, this.serverName, this.key);
      throw new UnsignedByPolicyServer(policyServer, event, extra.transaction);
    }
    const typeNid = this.interner.cachedTypeNid(pdu.type) ?? (await this.interner.typeNid(pdu.type));
    const senderNid = await this.stateKeyNid(pdu.sender);
    const stateKeyNid = pdu.state_key === undefined ? null : await this.stateKeyNid(pdu.state_key);
    const eventNid = await this.transactor.reserveEventNid();
    const event = {
      ...hashed.event,
      eventNid,
      reference: referenceTo(hashed.event, actor.rules),
      bytes: hashed.signedBytes.length + 200,
      accepted: true,
      outlier: false,
      inTimeline: true,
    };
    const signed = signHashedEvent(hashed, this.serverName, this.key).then((signedEvent) => signedEvent.pdu);
    // Nobody may be left to wait for it when its actor is dropped; the commit that waits gets the error all the same.
    signed.catch(() => undefined);
    const pending: PendingEvent = {
      event,
      typeNid,
      stateKeyNid,
      senderNid,
      verdict: 'accepted',
      problem: null,
      signed,
      inTimeline: true,
      edits: stateEdits(pdu, typeNid, stateKeyNid, eventId, eventNid),
      ...extra,
    };
    const extremities = new Map(actor.extremities);
    for (const id of prev) extremities.delete(id);
    extremities.set(eventId, eventNid);
    actor.take(pending, extremities);
    this.events.hold(event);
    return pending;
  }

  /** The current state of a room by type and key, with the named entries loaded. */
  async stateLookup(actor: RoomActor, keys: readonly (readonly [string, string])[]): Promise<StateLookup> {
    const ids = keys.flatMap(([type, key]) => actor.stateEventId(type, key) ?? []);
    const absent = ids.filter((id) => !this.events.get(id));
    const loaded = absent.length > 0 ? await this.events.load(absent) : undefined;
    return (type, key) => {
      const id = actor.stateEventId(type, key);
      return id === undefined ? undefined : (this.events.get(id) ?? loaded?.get(id));
    };
  }

  private async stateKeyNid(key: string): Promise<number> {
    return this.interner.cachedStateKeyNid(key) ?? this.interner.stateKeyNid(key);
  }
}

/** @throws MatrixError `M_BAD_JSON` for what has no canonical form, such as fractions */
export function hash(draft: EventDraft, rules: RoomVersionRules): HashedEvent {
  try {
    return hashDraft(draft, rules);
  } catch (error) {
    if (error instanceof CanonicalJsonError) throw badJson(error.message);
    throw error;
  }
}

function stateEdits(
  pdu: Pdu,
  typeNid: number,
  stateKeyNid: number | null,
  eventId: EventId,
  eventNid: number,
): StateEdit[] {
  if (pdu.state_key === undefined || stateKeyNid === null) return [];
  const membership = pdu.type === 'm.room.member' ? membershipIn(pdu.content) : undefined;
  return [
    {
      type: pdu.type,
      stateKey: pdu.state_key,
      typeNid,
      stateKeyNid,
      eventId,
      eventNid,
      ...(membership && { membership }),
    },
  ];
}
