import { readFileSync } from 'node:fs';
import type { EventId, Pdu, RoomEvent, RoomId } from '@atoll/matrix';
import { rulesOf, type RoomVersionRules } from '../room-version-rules.js';
import { stateKey, type StateMap } from '../state-map.js';
import type { EventSource } from './event-source.js';

type VectorEvent = Pdu & { readonly event_id: EventId };

interface VectorFile {
  readonly name: string;
  readonly kind: 'batches' | 'state_maps';
  readonly batches?: readonly (readonly VectorEvent[])[];
  readonly pdus?: readonly VectorEvent[];
  readonly state_maps?: readonly (readonly EventId[])[];
  readonly expected_state: readonly { type: string; state_key: string; event_id: EventId }[];
}

/** One case of `test-data`, its events ready for the resolver. */
export interface Vector {
  readonly rules: RoomVersionRules;
  readonly batches: readonly (readonly RoomEvent[])[];
  readonly stateMaps: readonly StateMap[];
  readonly events: ReadonlyMap<EventId, RoomEvent>;
  readonly source: EventSource;
  readonly expected: StateMap;
}

export function readVector(name: string): Vector {
  const path = new URL(`../test-data/${name}.json`, import.meta.url);
  const file = JSON.parse(readFileSync(path, 'utf8')) as VectorFile;
  const batches = (file.batches ?? [file.pdus ?? []]).map((batch) => batch.map(roomEvent));
  const events = new Map(batches.flat().map((event) => [event.eventId, event]));
  const version = [...events.values()].find(({ pdu }) => pdu.type === 'm.room.create')?.pdu.content
    .room_version;
  const rules = typeof version === 'string' ? rulesOf(version) : undefined;
  if (rules === undefined) throw new Error(`${name}: unknown room version`);
  return {
    rules,
    batches,
    events,
    source: events,
    stateMaps: (file.state_maps ?? []).map((ids) => stateOf(ids.map((id) => events.get(id) as RoomEvent))),
    expected: new Map(file.expected_state.map((one) => [stateKey(one.type, one.state_key), one.event_id])),
  };
}

/** A state in which each event holds its own key. */
export function stateOf(events: readonly RoomEvent[]): StateMap {
  return new Map(events.map(({ pdu, eventId }) => [stateKey(pdu.type, pdu.state_key ?? ''), eventId]));
}

function roomEvent(pdu: VectorEvent): RoomEvent {
  const roomId = pdu.room_id ?? (`!${pdu.event_id.slice(1)}` as RoomId);
  return { eventId: pdu.event_id, roomId, pdu, rejected: false };
}
