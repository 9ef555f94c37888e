import type { ClaimedStateReader, StagedPduReader } from '@atoll/database';
import { type EventId, MatrixError, prevEventIds, type RoomId, type ServerName } from '@atoll/matrix';
import {
  readCheckedPdu,
  type CheckedPdu,
  type ReceivedEvent,
  type ReceivedPduCheck,
} from '@atoll/server-keys';
import type { OutlierRoom } from '../outliers/outlier-intake.js';
import { askInTurn } from '../remote-rooms/ask-in-turn.js';
import type { EventCache } from '../room-actor/event-cache.js';
import type { KnownRoom } from './gap-states.js';
import { leadingTo } from './leading-to.js';
import type { MissingStretch, RoomQueries } from './room-queries.js';

/** What is brought for one event; what is here already does not count. */
const MAX_BROUGHT = 100;
/** Half of what two servers say at the same time is here: as many questions again. */
const MAX_ROUNDS = 10;
/** Of the room's forward extremities. */
const MAX_EARLIEST = 20;

/** Whom to ask for what leads to an event, and until when (ms since 1970). */
export interface EarlierSearch {
  readonly servers: readonly ServerName[];
  readonly deadline: number;
  /** Whether the event may be placed by the state after what is missing, which then becomes history, when nobody can be asked. */
  readonly mayDoWithout: boolean;
}

/** Brings the events between a room and one that arrived too early. */
export class EarlierEvents {
  constructor(
    private readonly queries: RoomQueries,
    private readonly checks: ReceivedPduCheck,
    private readonly events: EventCache,
    private readonly staged: StagedPduReader,
    private readonly claimed: ClaimedStateReader,
  ) {}

  /**
   * What leads to the event and this server has not placed, by as many rounds of `get_missing_events` and as many events as are
   * allowed: an unending chain ends there. So does what is older than where the room's history is missing: that is for scroll-back,
   * not for the timeline. Nothing is stored.
   * @throws MatrixError when nobody could be asked, unless it may be done without
   */
  async leadingTo(
    { event }: ReceivedEvent,
    room: KnownRoom,
    { servers, deadline, mayDoWithout }: EarlierSearch,
  ): Promise<ReadonlyMap<EventId, ReceivedEvent>> {
    const found = new Map<EventId, ReceivedEvent>();
    const minDepth = await this.claimed.historyDepth(room.roomNid);
    const earliest = new Set(room.extremities.slice(0, MAX_EARLIEST));
    let latest = [event];
    for (let round = 0; round < MAX_ROUNDS && found.size < MAX_BROUGHT; round += 1) {
      const wanted = await this.missing(
        latest.flatMap(({ pdu }) => prevEventIds(pdu)),
        found,
      );
      if (wanted.length === 0) break;
      const between = {
        earliest: [...earliest],
        latest: latest.map(({ eventId }) => eventId),
        minDepth,
      };
      const answers = [
        ...(await this.waiting(room, wanted)),
        ...(await this.ask(room, between, { servers, deadline, mayDoWithout })),
      ];
      // What is here needs not come again, nor does what lies behind it: other servers cannot know of it unless they are told.
      const absent = new Set(await this.missing(idsOf(answers), found));
      const here = idsOf(answers).filter((id) => !absent.has(id) && !found.has(id) && !earliest.has(id));
      for (const id of here) earliest.add(id);
      const brought = leadingTo(
        wanted,
        answers.filter((one) => absent.has(one.event.eventId) && one.event.pdu.depth >= minDepth),
      );
      if (brought.size === 0 && here.length === 0) break;
      for (const [id, one] of brought) found.set(id, one);
      if (brought.size > 0) latest = [...brought.values()].map((one) => one.event);
    }
    return found;
  }

  /** Known as an outlier is missing as well: the state at it is not known. */
  private async missing(
    ids: readonly EventId[],
    found: ReadonlyMap<EventId, ReceivedEvent>,
  ): Promise<EventId[]> {
    const unique = [...new Set(ids)].filter((id) => !found.has(id));
    const known = await this.events.load(unique);
    return unique.filter((id) => known.get(id)?.outlier !== false);
  }

  /** Those that have arrived but are not taken yet. */
  private async waiting({ roomId, rules }: OutlierRoom, ids: readonly EventId[]): Promise<ReceivedEvent[]> {
    const texts = await this.staged.texts(roomId, ids);
    return usable(
      [...texts.values()].map((text) => readCheckedPdu(text, rules)),
      roomId,
    );
  }

  private async ask(
    { roomId, rules }: OutlierRoom,
    between: MissingStretch,
    { servers, deadline, mayDoWithout }: EarlierSearch,
  ): Promise<ReceivedEvent[]> {
    try {
      const texts = await askInTurn(servers, (server) =>
        this.queries.missingEvents({ server, roomId, deadline }, between),
      );
      return usable(await this.checks.checkAll(texts, rules), roomId);
    } catch (error) {
      // Who refuses will refuse again; who could not be reached may be there later.
      if (error instanceof MatrixError && (mayDoWithout || error.status < 500)) return [];
      throw error;
    }
  }
}

function idsOf(received: readonly ReceivedEvent[]): EventId[] {
  return received.map(({ event }) => event.eventId);
}

function usable(checked: readonly CheckedPdu[], roomId: RoomId): ReceivedEvent[] {
  return checked.flatMap((one) => ('event' in one && one.event.roomId === roomId ? one : []));
}
