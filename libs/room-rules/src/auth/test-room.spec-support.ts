import {
  serverNameOf,
  type EventId,
  type EventReference,
  type JsonObject,
  type Pdu,
  type RoomEvent,
  type RoomId,
  type UserId,
} from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { stateKey } from '../state-map.js';
import type { StateLookup } from './state-lookup.js';

/** What a case says of an event; the rest is filled in. */
export interface EventSketch {
  readonly type?: string;
  readonly sender?: string;
  readonly state_key?: string | undefined;
  readonly content?: JsonObject;
  readonly prev_events?: readonly string[];
  /** `undefined` for none; the room's own unless the sketch says otherwise. */
  readonly room_id?: string | undefined;
  readonly redacts?: string;
  /** Whether the checks on receipt refused it. */
  readonly rejected?: boolean;
}

/** A state event that a case puts into the state in place of what is there; `undefined` takes it out. */
export type StateChanges = readonly (readonly [type: string, stateKey: string, EventSketch | undefined])[];

export const CREATOR = '@creator:one';
const CREATE_ID = '$create' as EventId;

/** A room with people of every kind, for the rules of one version. */
export class TestRoom {
  readonly roomId: RoomId;
  readonly rules: RoomVersionRules;
  readonly #state = new Map<string, RoomEvent>();
  #count = 0;

  constructor(rules: RoomVersionRules) {
    this.rules = rules;
    this.roomId = (rules.roomIdIsCreateEventId ? '!create' : '!room:one') as RoomId;
    this.#put('m.room.create', '', {
      sender: CREATOR,
      content: { room_version: rules.version, ...(rules.creatorInContent ? { creator: CREATOR } : {}) },
    });
    this.#put('m.room.power_levels', '', {
      sender: CREATOR,
      content: {
        users: {
          '@admin:one': 90,
          '@mod:two': 50,
          ...(rules.privilegedCreators ? {} : { [CREATOR]: 100 }),
        },
        events: { 'm.room.name': 40, 'm.room.power_levels': 50, 'org.high': 95, 'org.low': 20 },
        notifications: { room: 50, all: 95 },
        invite: 20,
        redact: 60,
        ban: 50,
        state_default: 50,
        events_default: 0,
      },
    });
    this.#put('m.room.join_rules', '', { sender: CREATOR, content: { join_rule: 'invite' } });
    const members = {
      [CREATOR]: 'join',
      '@admin:one': 'join',
      '@mod:two': 'join',
      '@user:two': 'join',
      '@invited:two': 'invite',
      '@knocker:two': 'knock',
      '@left:two': 'leave',
      '@banned:two': 'ban',
    };
    for (const [user, membership] of Object.entries(members)) {
      this.#put('m.room.member', user, { sender: user, content: { membership } });
    }
  }

  /**
   * An event of this room in the form of its version, as a case sketches it: sent by the creator after two other events
   * unless it says otherwise.
   */
  event(sketch: EventSketch): RoomEvent {
    this.#count += 1;
    const { type = 'm.room.message', sender = CREATOR, content = {}, prev_events = ['$x', '$y'] } = sketch;
    const eventId = type === 'm.room.create' ? CREATE_ID : this.#newEventId(sender);
    const pdu: Pdu = {
      type,
      sender: sender as UserId,
      content,
      origin_server_ts: this.#count,
      depth: this.#count,
      prev_events: prev_events.map((id) => this.#reference(id as EventId)),
      auth_events: [],
      hashes: { sha256: '' },
      signatures: {},
    };
    if (this.rules.eventIds === 'chosen') pdu.event_id = eventId;
    if (sketch.state_key !== undefined) pdu.state_key = sketch.state_key;
    if (sketch.redacts !== undefined) pdu.redacts = sketch.redacts as EventId;
    const roomId = 'room_id' in sketch ? sketch.room_id : this.#roomIdWithin(type);
    if (roomId !== undefined) pdu.room_id = roomId as RoomId;
    return { eventId, roomId: (roomId ?? this.roomId) as RoomId, pdu, rejected: sketch.rejected ?? false };
  }

  /** The state of the room with a case's changes. */
  lookup(changes: StateChanges = []): StateLookup {
    const changed = new Map(
      changes.map(([type, key, sketch]) => {
        const event = sketch && this.event({ ...sketch, type, state_key: key });
        return [stateKey(type, key), event] as const;
      }),
    );
    return (type, key) => {
      const joined = stateKey(type, key);
      return changed.has(joined) ? changed.get(joined) : this.#state.get(joined);
    };
  }

  #newEventId(sender: string): EventId {
    const server = this.rules.eventIds === 'chosen' ? `:${serverNameOf(sender as UserId)}` : '';
    return `$event${this.#count}${server}` as EventId;
  }

  #reference(id: EventId): EventReference {
    return this.rules.eventIds === 'chosen' ? [id, { sha256: '' }] : id;
  }

  #roomIdWithin(type: string): RoomId | undefined {
    return this.rules.roomIdIsCreateEventId && type === 'm.room.create' ? undefined : this.roomId;
  }

  #put(type: string, key: string, sketch: EventSketch): void {
    this.#state.set(stateKey(type, key), this.event({ ...sketch, type, state_key: key }));
  }
}
