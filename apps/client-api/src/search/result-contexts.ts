import { EventReader, EventSearchReader, pointAfter, pointBefore, streamPositionAt } from '@atoll/database';
import type { JsonObject } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { ClientEvents, type ServedEvent, type Viewer } from '../events/client-events.js';
import { isIgnored } from '../events/ignored-users.js';
import { VisibleEvents } from '../events/visible-events.js';
import { tokenOf } from '../rooms/access/pagination-token.js';
import { SenderMembers } from '../rooms/access/sender-members.js';
import type { SearchResult } from './search-page.js';
import type { RoomEventsSearch } from './search.schema.js';

type ContextOptions = NonNullable<RoomEventsSearch['event_context']>;

/** What happened around results, as far as the viewer may see it. */
@Injectable()
export class ResultContexts {
  constructor(
    private readonly search: EventSearchReader,
    private readonly events: EventReader,
    private readonly visible: VisibleEvents,
    private readonly clientEvents: ClientEvents,
    private readonly senders: SenderMembers,
  ) {}

  /** One for each result, in their order. */
  async of(
    viewer: Viewer,
    results: readonly SearchResult[],
    options: ContextOptions,
    scope: { readonly until: ReadonlyMap<number, number>; readonly ignored: ReadonlySet<string> },
  ): Promise<JsonObject[]> {
    const places = results.map(({ match: { roomNid, position } }) => ({
      roomNid,
      position,
      until: scope.until.get(roomNid) ?? 0,
    }));
    const around = await this.search.around(places, {
      before: options.before_limit,
      after: options.after_limit,
    });
    const served = await this.serve(
      viewer,
      around.flatMap(({ before, after }) => [...before, ...after]),
      scope.ignored,
    );
    const contexts: JsonObject[] = [];
    for (const [index, result] of results.entries()) {
      const before = (around[index]?.before ?? []).flatMap((nid) => served.get(nid) ?? []);
      const after = (around[index]?.after ?? []).flatMap((nid) => served.get(nid) ?? []);
      const profiles = options.include_profile
        ? { profile_info: await this.profiles(result, [...before, result.served, ...after]) }
        : {};
      contexts.push({ ...toContext(result, before, after), ...profiles });
    }
    return contexts;
  }

  private async serve(
    viewer: Viewer,
    eventNids: readonly number[],
    ignored: ReadonlySet<string>,
  ): Promise<Map<number, ServedEvent>> {
    const found = [...(await this.events.byNids([...new Set(eventNids)])).values()];
    const wanted = found.filter((event) => !isIgnored(event, ignored));
    const seen = await this.visible.membershipsAt(viewer.userId, wanted);
    const served = await this.clientEvents.serveSeen(viewer, wanted, seen, { aggregated: [] });
    return new Map(served.map((entry) => [entry.event.eventNid, entry]));
  }

  /** What the senders called themselves at the result. */
  private async profiles({ match }: SearchResult, shown: readonly ServedEvent[]): Promise<JsonObject> {
    const members = await this.senders.at(match.roomNid, streamPositionAt(pointAfter(match)), shown);
    return Object.fromEntries(
      members.map(({ pdu, redactedBecause }) => {
        const { displayname, avatar_url } = redactedBecause === undefined ? pdu.content : {};
        const profile = {
          ...(typeof displayname === 'string' && { displayname }),
          ...(typeof avatar_url === 'string' && avatar_url.startsWith('mxc://') && { avatar_url }),
        };
        return [pdu.state_key ?? '', profile];
      }),
    );
  }
}

function toContext(
  { served }: SearchResult,
  before: readonly ServedEvent[],
  after: readonly ServedEvent[],
): JsonObject {
  const first = before.at(-1) ?? served;
  const last = after.at(-1) ?? served;
  return {
    start: tokenOf(pointBefore(first.event)),
    end: tokenOf(pointAfter(last.event)),
    events_before: before.map(({ body }) => body),
    events_after: after.map(({ body }) => body),
  };
}
