import type { ClaimedStateReader, HistoryGap } from '@atoll/database';
import { authEventIds, type EventId, MatrixError, prevEventIds, type ServerName } from '@atoll/matrix';
import type { StateMap } from '@atoll/room-rules';
import type { ReceivedEvent, ReceivedPduCheck } from '@atoll/server-keys';
import type { GapStates, KnownRoom } from '../missing-events/gap-states.js';
import type { MissingAuth } from '../missing-events/missing-auth.js';
import { leadingTo } from '../missing-events/leading-to.js';
import type { Question, RoomQueries } from '../missing-events/room-queries.js';
import { byEventId, citedFirst } from '../outliers/cited-first.js';
import type { OutlierIntake, TakenOutlier } from '../outliers/outlier-intake.js';
import { askInTurn, NoHelp, unusable } from '../remote-rooms/ask-in-turn.js';
import type { RoomServers } from '../remote-rooms/room-servers.js';
import type { EventCache } from '../room-actor/event-cache.js';

/** Events that the room missed: stored as outliers, predecessors first. */
export interface HistoryStretch {
  /** What it is the history of. */
  readonly gap: Pick<HistoryGap, 'beforePosition' | 'followedByNid'>;
  readonly events: readonly TakenOutlier[];
  /** The states before those of them whose predecessors are not here, as a server told them. */
  readonly befores: ReadonlyMap<EventId, StateMap>;
}

/** Predecessors that are asked for at once: as many as an event may have. */
const MAX_FROM = 20;
const MAX_SERVERS = 3;
/** Events of one stretch whose auth chains are asked for. */
const MAX_AUTH_CHAINS = 5;

/** Asks the servers of a room for its history, without the room. */
export class HistoryQuestions {
  constructor(
    private readonly queries: RoomQueries,
    private readonly checks: ReceivedPduCheck,
    private readonly reader: ClaimedStateReader,
    private readonly servers: RoomServers,
    private readonly events: EventCache,
    private readonly intake: OutlierIntake,
    private readonly gaps: GapStates,
    private readonly auth: MissingAuth,
  ) {}

  /**
   * What is missing just before the event at a position, or where something is missing deepest in the room, from the first server that
   * has some of it.
   * @returns `undefined` when nothing is missing, or nobody has it
   * @throws NotOwnerError
   */
  async ask(
    room: KnownRoom,
    before: number | undefined,
    limit: number,
    deadline: number,
  ): Promise<HistoryStretch | undefined> {
    const missing = await this.reader.missingAt(room.roomNid, before, MAX_FROM);
    const [gap] = missing;
    if (gap === undefined) return undefined;
    const from = missing.map(({ eventId }) => eventId);
    const servers = await this.servers.serversIn(room.roomNid, MAX_SERVERS);
    try {
      const stretch = await askInTurn(servers, (server) =>
        this.askOne(room, from, limit, { server, roomId: room.roomId, deadline }),
      );
      return { ...stretch, gap };
    } catch (error) {
      if (error instanceof MatrixError) return undefined;
      throw error;
    }
  }

  private async askOne(
    room: KnownRoom,
    from: readonly EventId[],
    limit: number,
    question: Question,
  ): Promise<Omit<HistoryStretch, 'gap'>> {
    const texts = await this.queries.backfill(question, from, limit);
    const checked = await this.checks.checkAll(texts, room.rules);
    const received = checked.flatMap((one) =>
      'event' in one && one.event.roomId === room.roomId ? one : [],
    );
    const known = await this.events.load(received.map(({ event }) => event.eventId));
    // The other server does not know what is here: what lies behind that is the history of another gap. Invites of users here that came
    // before their server have a place, but nothing of the room hangs on them.
    const absent = received.filter(({ event }) => known.get(event.eventId)?.outlier !== false);
    const history = [...leadingTo(from, absent).values()].filter(
      ({ event }) => known.get(event.eventId)?.inTimeline !== true,
    );
    if (history.length === 0) throw unusable(question.server, 'nothing of what was asked for');
    const ordered = await citedFirst(byEventId(history.toSorted(byAge)), prevEventIds);
    const befores = await this.statesBefore(room, ordered, question);
    await this.bringAuth(room, ordered, question.server, question.deadline);
    const taken = await this.intake.take(
      room,
      ordered.map(({ exact }) => JSON.stringify(exact)),
    );
    return { events: ordered.flatMap(({ event }) => taken.get(event.eventId) ?? []), befores };
  }

  /** Of the events that the rest stands on. Without its state, an event and what follows it stay where they are. */
  private async statesBefore(
    room: KnownRoom,
    ordered: readonly ReceivedEvent[],
    question: Question,
  ): Promise<Map<EventId, StateMap>> {
    const inside = new Set(ordered.map(({ event }) => event.eventId));
    const known = await this.events.load(ordered.flatMap(({ event }) => prevEventIds(event.pdu)));
    const isThere = (id: EventId) => inside.has(id) || known.get(id)?.outlier === false;
    const befores = new Map<EventId, StateMap>();
    for (const { event } of ordered) {
      if (befores.size >= MAX_FROM || prevEventIds(event.pdu).every(isThere)) continue;
      const before = await this.gaps.before(room, event.eventId, question).catch(unlessNoHelp);
      if (before) befores.set(event.eventId, before);
    }
    return befores;
  }

  private async bringAuth(
    room: KnownRoom,
    ordered: readonly ReceivedEvent[],
    server: ServerName,
    deadline: number,
  ): Promise<void> {
    const inside = new Set(ordered.map(({ event }) => event.eventId));
    const cited = ordered.flatMap(({ event }) => authEventIds(event.pdu)).filter((id) => !inside.has(id));
    const known = await this.events.load([...new Set(cited)]);
    const lacking = ordered.filter(({ event }) =>
      authEventIds(event.pdu).some((id) => !inside.has(id) && !known.has(id)),
    );
    for (const { event } of lacking.slice(0, MAX_AUTH_CHAINS)) {
      try {
        await this.auth.bring(room, event.eventId, [server], deadline);
      } catch (error) {
        // The event is left out then.
        if (!(error instanceof MatrixError)) throw error;
      }
    }
  }
}

function byAge({ event: { pdu: one } }: ReceivedEvent, { event: { pdu: other } }: ReceivedEvent): number {
  return one.depth - other.depth || one.origin_server_ts - other.origin_server_ts;
}

function unlessNoHelp(error: unknown): undefined {
  if (!(error instanceof NoHelp)) throw error;
}
