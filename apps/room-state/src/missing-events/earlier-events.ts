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
import { leadingTo } from './predecessors-first.js';
import type { MissingStretch, RoomQueries } from './room-queries.js';

const MAX_ROUNDS = 5;
/** Of the room's forward extremities. */
const MAX_EARLIEST = 20;

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
   * What leads to the event and this server has not placed, by as many rounds of `get_missing_events` as are allowed: an unending chain
   * ends there. So does what is older than where the room's history is missing: that is for scroll-back, not for the timeline. Nothing
   * is stored.
   */
  async leadingTo(
    { event }: ReceivedEvent,
    room: KnownRoom,
    servers: readonly ServerName[],
    deadline: number,
  ): Promise<ReadonlyMap<EventId, ReceivedEvent>> {
    const found = new Map<EventId, ReceivedEvent>();
    const minDepth = await this.claimed.historyDepth(room.roomNid);
    let latest = [event];
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const wanted = await this.missing(
        latest.flatMap(({ pdu }) => prevEventIds(pdu)),
        found,
      );
      if (wanted.length === 0) break;
      const between = {
        earliest: room.extremities.slice(0, MAX_EARLIEST),
        latest: latest.map(({ eventId }) => eventId),
        minDepth,
      };
      const answers = [
        ...(await this.waiting(room, wanted)),
        ...(await this.ask(room, between, servers, deadline)),
      ];
      const brought = leadingTo(
        wanted,
        answers.filter((one) => one.event.pdu.depth >= minDepth),
      );
      if (brought.size === 0) break;
      for (const [id, one] of brought) found.set(id, one);
      latest = [...brought.values()].map((one) => one.event);
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
    servers: readonly ServerName[],
    deadline: number,
  ): Promise<ReceivedEvent[]> {
    try {
      const texts = await askInTurn(servers, (server) =>
        this.queries.missingEvents({ server, roomId, deadline }, between),
      );
      return usable(await this.checks.checkAll(texts, rules), roomId);
    } catch (error) {
      if (error instanceof MatrixError) return [];
      throw error;
    }
  }
}

function usable(checked: readonly CheckedPdu[], roomId: RoomId): ReceivedEvent[] {
  return checked.flatMap((one) => ('event' in one && one.event.roomId === roomId ? one : []));
}
