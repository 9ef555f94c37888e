import type { StoredEvent } from '@atoll/database';
import { EventReader, StateReader } from '@atoll/database';
import type { JsonObject, UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { BundledAggregations } from '../relations/bundled-aggregations.js';
import { type ClientEventContext, type EventFormat, toClientEvent } from './client-event.js';
import { VisibleEvents } from './visible-events.js';

/** Who reads; the device is there unless an application service names none. */
export interface Viewer {
  readonly userId: UserId;
  readonly deviceId?: string | undefined;
}

/** An event that the viewer may see, and what the viewer gets. */
export interface ServedEvent {
  readonly event: StoredEvent;
  readonly body: JsonObject;
}

/** How events are served, and for which of them children are summed up: for all by default. */
export interface ServeOptions {
  readonly format?: EventFormat;
  readonly aggregated?: readonly StoredEvent[];
  /** Children after this position do not count. */
  readonly upTo?: number;
}

/** Turns stored events into what a viewer may have of them. */
@Injectable()
export class ClientEvents {
  constructor(
    private readonly visible: VisibleEvents,
    private readonly states: StateReader,
    private readonly events: EventReader,
    private readonly aggregations: BundledAggregations,
  ) {}

  /** Those of the events that the viewer may see, in the given order. At most six queries, without children. */
  async serve(viewer: Viewer, events: readonly StoredEvent[]): Promise<ServedEvent[]> {
    const seen = await this.visible.membershipsAt(viewer.userId, events);
    return this.serveSeen(viewer, events, seen);
  }

  /** As `serve`, when the viewer's memberships at the visible events are known. At most four queries, without children. */
  async serveSeen(
    viewer: Viewer,
    events: readonly StoredEvent[],
    seen: ReadonlyMap<number, string>,
    { format, aggregated = events, upTo }: ServeOptions = {},
  ): Promise<ServedEvent[]> {
    const isSeen = ({ eventNid }: StoredEvent) => seen.has(eventNid);
    const replaced = await this.replacedBy(events.filter(isSeen));
    const seenBefore = await this.visible.membershipsAt(viewer.userId, [...replaced.values()]);
    const relations = await this.aggregations.of(viewer, aggregated.filter(isSeen), { format, upTo });
    const now = Date.now();
    return events.flatMap((event) => {
      const membership = seen.get(event.eventNid);
      if (membership === undefined) return [];
      const before = replaced.get(event.eventNid);
      const context = {
        ...viewer,
        now,
        membership,
        relations: relations.get(event.eventNid),
        replaced: before && {
          eventId: before.eventId,
          visible: seenBefore.has(before.eventNid) || isOfJoin(before, membership) ? before : undefined,
        },
      };
      return [{ event, body: toClientEvent(event, context, format) }];
    });
  }

  /** State events of a state that the viewer may read as a whole: the caller has checked that. */
  serveState(viewer: Viewer, events: Iterable<StoredEvent>, format?: EventFormat): JsonObject[] {
    const context: ClientEventContext = { ...viewer, now: Date.now() };
    return Array.from(events, (event) => toClientEvent(event, context, format));
  }

  /** What each state event replaced, by the nid of the newer one. */
  private async replacedBy(events: readonly StoredEvent[]): Promise<Map<number, StoredEvent>> {
    const states = events.filter(({ pdu }) => pdu.state_key !== undefined);
    if (states.length === 0) return new Map();
    const nids = await this.states.replacedBy(states.map(({ eventNid }) => eventNid));
    const found = await this.events.byNids([...nids.values()]);
    return new Map(
      [...nids].flatMap(([newer, older]) => {
        const event = found.get(older);
        return event === undefined ? [] : [[newer, event]];
      }),
    );
  }
}

/** State that came with a join, and has no place in the timeline, was there to read for whoever was in the room when it was replaced. */
function isOfJoin(replaced: StoredEvent, membership: string): boolean {
  return replaced.position === null && membership === 'join';
}
