import { type EventId, relationOf } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';
import { EventReader } from '../room/event-reader.js';
import type { StoredEvent } from '../room/stored-event.js';
import type { RoomThread } from '../thread-subscription/thread-subscription-reader.js';

/** Further than that nobody follows a relation. */
const MAX_HOPS = 3;

/** The thread in which an event stands. */
export interface ThreadOfEvent extends RoomThread {
  /** The number of the root; undefined when this server does not have it. */
  readonly rootNid: number | undefined;
}

/** Finds out in which threads of their rooms events stand, of many at once. */
export class ThreadRoots {
  private readonly events: EventReader;

  constructor(private readonly database: Database) {
    this.events = new EventReader(database);
  }

  /**
   * By the numbers of the events; what is in the main timeline is missing.
   * @see https://spec.matrix.org/v1.19/client-server-api/#threaded-read-receipts
   */
  async of(events: readonly StoredEvent[]): Promise<Map<number, ThreadOfEvent>> {
    const rootIds = new Map<number, EventId>();
    let open = events.map((event) => ({ event, at: event }));
    for (let hops = 0; open.length > 0; hops++) {
      const parents = open.flatMap(({ event, at }) => {
        const relation = at.redactedBecause ? undefined : relationOf(at.pdu.content);
        if (relation?.relType === 'm.thread') rootIds.set(event.eventNid, relation.parentId);
        return relation === undefined || relation.relType === 'm.thread'
          ? []
          : [{ event, parentId: relation.parentId }];
      });
      if (hops === MAX_HOPS || parents.length === 0) break;
      const found = await this.events.byIds([...new Set(parents.map(({ parentId }) => parentId))]);
      open = parents.flatMap(({ event, parentId }) => {
        const at = found.get(parentId);
        return at?.roomNid === event.roomNid ? [{ event, at }] : [];
      });
    }
    return this.withNumbers(events, rootIds);
  }

  private async withNumbers(
    events: readonly StoredEvent[],
    rootIds: ReadonlyMap<number, EventId>,
  ): Promise<Map<number, ThreadOfEvent>> {
    if (rootIds.size === 0) return new Map();
    const rows = await this.database.db
      .selectFrom('events')
      .select(['event_id', 'event_nid', 'room_nid'])
      .where('event_id', '=', anyOf([...new Set(rootIds.values())]))
      .execute();
    const roots = new Map(rows.map((row) => [row.event_id, row]));
    return new Map(
      events.flatMap(({ eventNid, roomNid }): [number, ThreadOfEvent][] => {
        const rootId = rootIds.get(eventNid);
        if (rootId === undefined) return [];
        const root = roots.get(rootId);
        return [
          [eventNid, { roomNid, rootId, rootNid: root?.room_nid === roomNid ? root.event_nid : undefined }],
        ];
      }),
    );
  }
}
