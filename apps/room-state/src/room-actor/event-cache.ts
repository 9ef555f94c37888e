import { EVENT_STATUS, type LoadedEvent, type RoomActorReader } from '@atoll/database';
import { parseExactJson } from '@atoll/event-crypto';
import type { EventId, EventReference, Pdu, RoomId } from '@atoll/matrix';
import { referenceTo, rulesOf } from '@atoll/room-rules';
import { LRUCache } from 'lru-cache';
import type { KnownEvent } from './pending-event.js';

/** A parsed event takes about this many times the length of its JSON. */
const OBJECT_OVERHEAD = 3;

/**
 * Events that rooms authorise by: committed ones within a byte budget over all rooms of the process, and all that wait for
 * their commit, which nothing else could give back.
 */
export class EventCache {
  private readonly events: LRUCache<EventId, KnownEvent>;
  private readonly uncommitted = new Map<EventId, KnownEvent>();

  constructor(
    private readonly reader: RoomActorReader,
    maxBytes: number,
  ) {
    this.events = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: (event) => event.bytes * OBJECT_OVERHEAD + 500,
    });
  }

  get(eventId: EventId): KnownEvent | undefined {
    return this.uncommitted.get(eventId) ?? this.events.get(eventId);
  }

  /** Keeps an event that an actor has taken, until {@link committed} or {@link forget}. */
  hold(event: KnownEvent): void {
    this.uncommitted.set(event.eventId, event);
  }

  committed(event: KnownEvent): void {
    this.release(event);
    this.events.set(event.eventId, event);
  }

  /** The event was not committed and does not exist. */
  forget(event: KnownEvent): void {
    this.release(event);
  }

  /** The events are no longer stored. */
  evict(eventIds: readonly EventId[]): void {
    for (const id of eventIds) this.events.delete(id);
  }

  /** The room was deleted: what comes of it again is stored anew, under other numbers. */
  evictRoom(roomId: RoomId): void {
    const ofRoom = [...this.events.values()].filter((event) => event.roomId === roomId);
    this.evict(ofRoom.map(({ eventId }) => eventId));
  }

  private release(event: KnownEvent): void {
    if (this.uncommitted.get(event.eventId) === event) this.uncommitted.delete(event.eventId);
  }

  /** Which of the ids the server knows; their events are not loaded. */
  async known(eventIds: readonly EventId[]): Promise<ReadonlySet<EventId>> {
    const found = new Set(eventIds.filter((id) => this.get(id)));
    const nids = await this.reader.eventNids(eventIds.filter((id) => !found.has(id)));
    for (const id of nids.keys()) found.add(id);
    return found;
  }

  /** Those of the ids that the server knows, from memory or the database. */
  async load(eventIds: readonly EventId[]): Promise<Map<EventId, KnownEvent>> {
    const found = new Map<EventId, KnownEvent>();
    const absent: EventId[] = [];
    for (const id of eventIds) {
      const event = this.get(id);
      if (event) found.set(id, event);
      else absent.push(id);
    }
    for (const row of await this.reader.events(absent)) {
      const event = knownEvent(row);
      this.events.set(event.eventId, event);
      found.set(event.eventId, event);
    }
    return found;
  }
}

function knownEvent(row: LoadedEvent): KnownEvent {
  const { eventId, eventNid, roomId, pdu, rejected, status, json, position } = row;
  const accepted = status === EVENT_STATUS.accepted;
  const outlier = status === EVENT_STATUS.outlier || status === EVENT_STATUS.rejectedOutlier;
  return {
    eventId,
    eventNid,
    roomId,
    pdu,
    rejected,
    accepted,
    outlier,
    inTimeline: position !== null,
    bytes: json.length,
    reference: referenceOf(row),
  };
}

/** Only where events are named by more than their ids, the text is read once more. */
function referenceOf({ eventId, roomVersion, json, ...event }: LoadedEvent): EventReference {
  const rules = rulesOf(roomVersion);
  if (rules?.eventIds !== 'chosen') return eventId;
  return referenceTo({ ...event, eventId, pdu: parseExactJson(json) as unknown as Pdu }, rules);
}
