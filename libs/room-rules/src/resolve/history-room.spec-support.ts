import {
  authEventIds,
  type EventId,
  type EventReference,
  type JsonObject,
  type Pdu,
  prevEventIds,
  type RoomEvent,
  type RoomId,
  type UserId,
} from '@atoll/matrix';
import { authorizeReceivedEvent } from '../auth/authorize-received-event.js';
import { authTypesForEvent } from '../auth/auth-types-for-event.js';
import type { StateLookup } from '../auth/state-lookup.js';
import type { RoomVersionRules } from '../room-version-rules.js';
import { stateKey, type StateMap } from '../state-map.js';
import { resolveState } from './resolve-state.js';

/** A state event that somebody tries to send. */
export interface Attempt {
  readonly type: string;
  readonly key: string;
  readonly sender: string;
  readonly content: JsonObject;
  /** The events that it follows, or how far back they lie among the accepted ones; the last one when absent. */
  readonly after?: readonly (number | EventId)[];
  readonly delay?: number;
  readonly authFromBack?: number | undefined;
  readonly citesRejected?: number | undefined;
}

/** A room's graph of events without hashes and signatures: accepted ones with the state after them, and rejected ones. */
export class HistoryRoom {
  readonly events = new Map<EventId, RoomEvent>();
  /** Events that a server sent although the rules reject them. */
  readonly rejected: RoomEvent[] = [];
  readonly #roomId: RoomId;
  readonly #after = new Map<EventId, StateMap>();
  readonly #order: EventId[] = [];
  #count = 0;

  constructor(private readonly rules: RoomVersionRules) {
    this.#roomId = (rules.roomIdIsCreateEventId ? '!create' : '!room:a') as RoomId;
  }

  stateBack(back: number): StateMap {
    return this.#after.get(this.idBack(back)) as StateMap;
  }

  idBack(back: number): EventId {
    return this.#order[Math.max(0, this.#order.length - 1 - back)] as EventId;
  }

  /** An accepted event and all accepted ones that it follows, the oldest first. */
  pathTo(id: EventId): EventId[] {
    const path = new Set([id]);
    for (const one of path) {
      const event = this.events.get(one);
      for (const previous of event === undefined ? [] : prevEventIds(event.pdu)) path.add(previous);
    }
    return this.#order.filter((one) => path.has(one));
  }

  stateAfter(id: EventId): StateMap {
    return this.#after.get(id) as StateMap;
  }

  /** The event as it was received: by its auth events and by the state before it. */
  add({ after = [0], delay = 0, ...attempt }: Attempt): RoomEvent {
    const isFirst = this.#count === 0;
    const previous = isFirst
      ? []
      : [...new Set(after.map((one) => (typeof one === 'number' ? this.idBack(one) : one)))];
    const before = resolveState(
      previous.map((id) => this.#after.get(id) as StateMap),
      this.events,
      this.rules,
    );
    const event = this.#event(
      attempt,
      previous,
      isFirst ? () => undefined : this.#authority(attempt, before),
      delay,
    );
    const authEvents = authEventIds(event.pdu).map((id) => this.events.get(id) as RoomEvent);
    const basis = { authEvents, create: this.events.get('$create' as EventId), before: this.#lookup(before) };
    const { verdict } = authorizeReceivedEvent(event, basis, this.rules);
    const received = { ...event, rejected: verdict === 'rejected' };
    this.events.set(event.eventId, received);
    if (received.rejected) this.rejected.push(received);
    else {
      this.#order.push(event.eventId);
      this.#after.set(
        event.eventId,
        new Map([...before, [stateKey(attempt.type, attempt.key), event.eventId]]),
      );
    }
    return received;
  }

  /** The state that the event cites: that before it unless the attempt says otherwise. */
  #authority({ authFromBack, citesRejected }: Attempt, before: StateMap): StateLookup {
    const state = this.#lookup(authFromBack === undefined ? before : this.stateBack(authFromBack));
    const cited = citesRejected === undefined ? undefined : this.rejected[citesRejected];
    return (type, key) =>
      cited?.pdu.type === type && cited.pdu.state_key === key ? cited : state(type, key);
  }

  #event(
    { type, key, sender, content }: Attempt,
    previous: readonly EventId[],
    authority: StateLookup,
    delay: number,
  ): RoomEvent {
    const count = this.#count;
    this.#count += 1;
    const pdu: Pdu = {
      type,
      sender: sender as UserId,
      state_key: key,
      content,
      origin_server_ts: 1000 + count + delay,
      depth: count === 0 ? 1 : 1 + Math.max(...previous.map((id) => this.events.get(id)?.pdu.depth ?? 0)),
      prev_events: previous.map((id) => this.#reference(id)),
      auth_events: [],
      hashes: { sha256: '' },
      signatures: {},
    };
    if (count > 0 || !this.rules.roomIdIsCreateEventId) pdu.room_id = this.#roomId;
    pdu.auth_events = authTypesForEvent(pdu, this.rules).flatMap(([t, k]) => {
      const cited = authority(t, k);
      return cited === undefined ? [] : [this.#reference(cited.eventId)];
    });
    const eventId = (count === 0 ? '$create' : `$${(count * 7919) % 1009}`) as EventId;
    return { eventId, roomId: this.#roomId, pdu, rejected: false };
  }

  #reference(id: EventId): EventReference {
    return this.rules.eventIds === 'chosen' ? [id, { sha256: '' }] : id;
  }

  #lookup(state: StateMap): StateLookup {
    return (type, key) => this.events.get(state.get(stateKey(type, key)) as EventId);
  }
}
