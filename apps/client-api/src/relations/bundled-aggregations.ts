import { AggregationReader, type CountedChildren, EventReader, type StoredEvent } from '@atoll/database';
import type { JsonObject } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { type EventFormat, toClientEvent } from '../events/client-event.js';
import type { Viewer } from '../events/client-events.js';
import { VisibleEvents } from '../events/visible-events.js';
import { CountedChildrenOf } from './counted-children.js';
import { servedRelation } from './served-relation.js';
import { isValidEdit, mayBeEdited } from './valid-edit.js';

/** How nested events are served, and up to which position children count: to the end of a sync, which tells of later ones itself. */
export interface AggregationOptions {
  readonly format?: EventFormat | undefined;
  readonly upTo?: number | undefined;
}

interface Pass extends AggregationOptions {
  readonly viewer: Viewer;
  readonly counted: CountedChildren;
  readonly now: number;
}

/** What stands in `m.relations`, by the number of the parent. */
type Bundles = Map<number, JsonObject>;

/**
 * Sums up the children of events. It is one query for events without such children, and a number that does not depend on how many
 * there are for others.
 * @see https://spec.matrix.org/v1.19/client-server-api/#aggregations-of-child-events
 */
@Injectable()
export class BundledAggregations {
  constructor(
    private readonly aggregations: AggregationReader,
    private readonly events: EventReader,
    private readonly visible: VisibleEvents,
    private readonly countedChildren: CountedChildrenOf,
  ) {}

  /** Of events that the viewer may see. State events have none. */
  async of(
    viewer: Viewer,
    events: readonly StoredEvent[],
    options: AggregationOptions = {},
  ): Promise<Bundles> {
    const parents = await this.parentsAmong(events);
    if (parents.length === 0) return new Map();
    const roomNids = [...new Set(parents.map(({ roomNid }) => roomNid))];
    const counted = await this.countedChildren.of(viewer.userId, roomNids, options.upTo);
    const pass = { ...options, viewer, counted, now: Date.now() };
    const bundles = await this.withoutThreads(pass, parents);
    await this.addThreads(pass, parents, bundles);
    return bundles;
  }

  private async parentsAmong(events: readonly StoredEvent[]): Promise<StoredEvent[]> {
    const possible = events.filter(({ pdu }) => pdu.state_key === undefined);
    if (possible.length === 0) return [];
    const parents = await this.aggregations.withChildren(possible);
    return possible.filter(({ eventNid }) => parents.has(eventNid));
  }

  /** Edits and references. */
  private async withoutThreads(pass: Pass, parents: readonly StoredEvent[]): Promise<Bundles> {
    const [edits, references] = await Promise.all([
      this.aggregations.edits(parents.filter(mayBeEdited), pass.counted),
      this.aggregations.references(parents, pass.counted),
    ]);
    const events = await this.events.byNids(edits.map(({ eventNid }) => eventNid));
    const seen = await this.visible.membershipsAt(pass.viewer.userId, [...events.values(), ...references]);
    const editsOf = Map.groupBy(edits, ({ parentNid }) => parentNid);
    const referencesOf = Map.groupBy(references, ({ parentNid }) => parentNid);
    const bundles: Bundles = new Map();
    for (const parent of parents) {
      const candidates = (editsOf.get(parent.eventNid) ?? []).flatMap(
        ({ eventNid }) => events.get(eventNid) ?? [],
      );
      const edit = candidates.find((event) => seen.has(event.eventNid) && isValidEdit(parent, event));
      const chunk = (referencesOf.get(parent.eventNid) ?? [])
        .filter(({ eventNid }) => seen.has(eventNid))
        .map(({ eventId }) => ({ event_id: eventId }));
      if (!edit && chunk.length === 0) continue;
      bundles.set(parent.eventNid, {
        ...(edit && { 'm.replace': served(pass, edit, seen) }),
        ...(chunk.length > 0 && { 'm.reference': { chunk } }),
      });
    }
    return bundles;
  }

  /** Only what has no parent itself is the root of a thread, so that the latest event of one never leads to another. */
  private async addThreads(pass: Pass, parents: readonly StoredEvent[], bundles: Bundles): Promise<void> {
    const roots = new Map(
      parents
        .filter((parent) => servedRelation(parent) === undefined)
        .map((parent) => [parent.eventNid, parent]),
    );
    if (roots.size === 0) return;
    const threads = await this.aggregations.threads([...roots.values()], pass.counted);
    if (threads.length === 0) return;
    const latest = await this.events.byNids(threads.map(({ latestNid }) => latestNid));
    const seen = await this.visible.membershipsAt(pass.viewer.userId, [...latest.values()]);
    const nested = await this.withoutThreads(pass, await this.parentsAmong([...latest.values()]));
    for (const { parentNid, latestNid, count, participated } of threads) {
      const event = latest.get(latestNid);
      if (event === undefined || !seen.has(latestNid)) continue;
      const isOwn = roots.get(parentNid)?.pdu.sender === pass.viewer.userId;
      bundles.set(parentNid, {
        ...bundles.get(parentNid),
        'm.thread': {
          latest_event: served(pass, event, seen, nested.get(latestNid)),
          count,
          current_user_participated: participated || isOwn,
        },
      });
    }
  }
}

function served(
  { viewer, now, format }: Pass,
  event: StoredEvent,
  seen: ReadonlyMap<number, string>,
  relations?: JsonObject,
): JsonObject {
  return toClientEvent(event, { ...viewer, now, membership: seen.get(event.eventNid), relations }, format);
}
