import { randomUUID } from 'node:crypto';
import {
  type EventId,
  type EventReference,
  type JsonObject,
  type Pdu,
  prevEventIds,
  type RoomEvent,
  type RoomId,
  type ServerName,
  type UserId,
} from '@atoll/matrix';
import {
  authChainOf,
  authTypesForEvent,
  contentHash,
  eventIdOf,
  newEventId,
  referenceTo,
  resolveState,
  roomIdOf,
  type RoomVersionRules,
  rulesOf,
  signEvent,
  stateKey,
  type StateMap,
} from '@atoll/room-rules';
import type { Signer } from './send-request.js';

/** An event as a test wants it. Every field of a PDU may be given; what is absent the room fills in rightly. */
export interface EventDraft extends Partial<Pdu> {
  readonly type: string;
  readonly sender: UserId;
  readonly content: JsonObject;
}

export interface BuildOptions {
  /** The events that it follows. Default: the heads of the room. */
  readonly prev?: readonly EventId[];
  /** Default: what the specification selects of the state before it. */
  readonly auth?: readonly EventId[];
  /** Whose signatures it gets. Default: this server's; `[]` for an event that nobody signed. */
  readonly signers?: readonly Signer[];
}

const NO_STATE: StateMap = new Map();

/**
 * A room as a scripted server knows it: a graph in memory. It hashes, signs and resolves by the rules of its version, and it
 * checks nothing, so that any event can be made and any event be believed.
 */
export class RemoteRoom {
  /** In the order in which they came. */
  readonly events = new Map<EventId, RoomEvent>();
  /** Whether joining servers that agree to it get the state without members. */
  omitsMembers = false;
  private readonly befores = new Map<EventId, StateMap>();
  private readonly afters = new Map<EventId, StateMap>();
  private readonly followed = new Set<EventId>();
  private headIds: EventId[] = [];
  /** Numbers that the version forbids are hashed and signed all the same. */
  private readonly lenient: RoomVersionRules;
  private id: RoomId | undefined;

  /** @param roomId undefined until a create event gives it (room version 12) */
  constructor(
    readonly signer: Signer,
    readonly rules: RoomVersionRules,
    roomId?: RoomId,
  ) {
    this.lenient = { ...rules, strictCanonicalJson: false };
    this.id = roomId;
  }

  /** @throws Error for a version that there is not */
  static ofVersion(signer: Signer, version: string, roomId?: RoomId): RemoteRoom {
    const rules = rulesOf(version);
    if (rules === undefined) throw new Error(`There is no room version ${version}`);
    return new RemoteRoom(signer, rules, roomId);
  }

  get roomId(): RoomId {
    if (this.id === undefined) throw new Error('The room has no create event yet');
    return this.id;
  }

  /** The events that nothing follows. */
  get heads(): readonly EventId[] {
    return this.headIds;
  }

  /** The state after all heads. */
  get state(): StateMap {
    return this.stateAfterAll(this.headIds);
  }

  /** The current state event of a type. */
  current(type: string, key = ''): RoomEvent | undefined {
    return this.events.get(this.state.get(stateKey(type, key)) ?? ('' as EventId));
  }

  /** Makes an event that the room does not know of yet. */
  async build(
    draft: EventDraft,
    { prev = this.headIds, auth, signers }: BuildOptions = {},
  ): Promise<RoomEvent> {
    const { serverName } = this.signer;
    const eventId = newEventId(randomUUID(), serverName as ServerName, this.rules);
    const unhashed: Pdu = {
      ...(this.id !== undefined && { room_id: this.id }),
      ...(eventId !== undefined && { event_id: eventId }),
      origin_server_ts: Date.now(),
      depth: this.depthAfter(prev),
      prev_events: this.referencesTo(prev),
      auth_events: [],
      hashes: { sha256: '' },
      signatures: {},
      ...draft,
    };
    const authEvents = auth ?? this.selectAuthEvents(unhashed, this.stateAfterAll(prev));
    const { auth_events = this.referencesTo(authEvents), hashes } = draft;
    const complete = { ...unhashed, auth_events };
    const hashed = { ...complete, hashes: hashes ?? { sha256: contentHash(complete, this.lenient) } };
    return this.read(await this.sign(hashed, signers));
  }

  /** Makes an event and takes it into the room. */
  async append(draft: EventDraft, options?: BuildOptions): Promise<RoomEvent> {
    return this.add(await this.build(draft, options));
  }

  /** Says something in the room. */
  say(sender: UserId, body: string, options?: BuildOptions): Promise<RoomEvent> {
    return this.append({ type: 'm.room.message', sender, content: { msgtype: 'm.text', body } }, options);
  }

  setState(
    sender: UserId,
    type: string,
    content: JsonObject,
    key = '',
    options?: BuildOptions,
  ): Promise<RoomEvent> {
    return this.append({ type, sender, state_key: key, content }, options);
  }

  /** A copy with this server's signature, or those of others, added. */
  async sign(pdu: Pdu, signers: readonly Signer[] = [this.signer]): Promise<Pdu> {
    let signed = pdu;
    for (const { serverName, key } of signers) {
      signed = await signEvent(signed, this.lenient, serverName as ServerName, key);
    }
    return signed;
  }

  /** Takes an event in; its place is among the heads. `before` forces the state before it. */
  add(event: RoomEvent, before = this.stateAfterAll(prevEventIds(event.pdu))): RoomEvent {
    const { eventId, pdu } = event;
    this.id ??= event.roomId;
    this.events.set(eventId, event);
    this.befores.set(eventId, before);
    this.afters.set(eventId, pdu.state_key === undefined ? before : withEvent(before, event));
    for (const id of prevEventIds(pdu)) this.followed.add(id);
    const candidates = new Set([...this.headIds, eventId]);
    this.headIds = [...candidates].filter((id) => !this.followed.has(id));
    return event;
  }

  /** The event with its id, known to the room or not. */
  read(pdu: Pdu): RoomEvent {
    const eventId = eventIdOf(pdu, this.lenient);
    return { eventId, roomId: roomIdOf(pdu, this.lenient), pdu, rejected: false };
  }

  /** Takes an event in as it came from another server. */
  receive(pdu: Pdu): RoomEvent {
    const event = this.read(pdu);
    return this.events.get(event.eventId) ?? this.add(event);
  }

  /** Remembers an event without a place in the graph: state and auth events that came with a join. */
  remember(pdu: Pdu): RoomEvent {
    const event = this.read(pdu);
    if (!this.events.has(event.eventId)) this.events.set(event.eventId, event);
    return event;
  }

  /** The state before an event that has its place in the graph. */
  stateBefore(eventId: EventId): StateMap {
    return this.befores.get(eventId) ?? NO_STATE;
  }

  /** The resolved state after some events; where it is known of none of them, the current one. */
  stateAfterAll(ids: readonly EventId[]): StateMap {
    const known = ids.filter((id) => this.afters.has(id));
    const states = (known.length > 0 ? known : this.headIds).map((id) => this.afters.get(id) ?? NO_STATE);
    return states.length === 1 ? (states[0] ?? NO_STATE) : resolveState(states, this.events, this.rules);
  }

  /** The known events of some ids. */
  eventsOf(ids: Iterable<EventId>): RoomEvent[] {
    return [...ids].map((id) => this.events.get(id)).filter((event) => event !== undefined);
  }

  /** The auth chains of some events. */
  authChain(ids: Iterable<EventId>): RoomEvent[] {
    return this.eventsOf(authChainOf(ids, this.events));
  }

  /** Ids, or in room versions 1 and 2 ids with hashes; the hash of an unknown event is made up. */
  referencesTo(ids: readonly EventId[]): EventReference[] {
    return ids.map((id) => {
      const event = this.events.get(id);
      if (event !== undefined) return referenceTo(event, this.lenient);
      return this.rules.eventIds === 'chosen' ? [id, { sha256: 'A'.repeat(43) }] : id;
    });
  }

  private selectAuthEvents(pdu: Pdu, state: StateMap): EventId[] {
    const types = authTypesForEvent(pdu, this.rules);
    return types.map((type) => state.get(stateKey(...type))).filter((id) => id !== undefined);
  }

  private depthAfter(prev: readonly EventId[]): number {
    const deepest = Math.max(0, ...this.eventsOf(prev).map(({ pdu }) => pdu.depth));
    return Math.min(deepest + 1, Number.MAX_SAFE_INTEGER);
  }
}

function withEvent(state: StateMap, { eventId, pdu }: RoomEvent): StateMap {
  return new Map(state).set(stateKey(pdu.type, pdu.state_key ?? ''), eventId);
}
