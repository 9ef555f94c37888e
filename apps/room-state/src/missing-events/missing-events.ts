import { type EventId, MatrixError, prevEventIds, type RoomId, type ServerName } from '@atoll/matrix';
import type { StateMap } from '@atoll/room-rules';
import type { ReceivedEvent } from '@atoll/server-keys';
import { counter } from '@atoll/telemetry';
import type { PduAcceptance, PduResult } from '../accept-pdus/pdu-acceptance.js';
import type { PolicySignatures } from '../policy-server/policy-signatures.js';
import { byEventId, citedFirst } from '../outliers/cited-first.js';
import { askInTurn } from '../remote-rooms/ask-in-turn.js';
import type { RoomServers } from '../remote-rooms/room-servers.js';
import type { RoomCommands } from '../room-actor/room-commands.js';
import type { EarlierEvents, EarlierSearch } from './earlier-events.js';
import { type GapStates, knownRoom, type KnownRoom } from './gap-states.js';
import type { MissingAuth } from './missing-auth.js';

/** For all that one event misses. */
const FETCH_MS = 120_000;
/** For one event to be placed and durable. */
const ACCEPT_MS = 30_000;
const OTHER_SERVERS = 2;
/** Tries in which the events between are waited for, while nobody can be asked: 2, 4 and 8 s apart. */
const PATIENT_TRIES = 3;
/** States that are asked for on behalf of one event: as many as it may have predecessors. */
const MAX_GAP_STATES = 20;

const fetches = counter(
  'atoll_missing_events_fetches_total',
  'Events whose missing predecessors or authority were asked for',
);

type Missing = Extract<PduResult, { outcome: 'missing-events' }>;

/** What became of an event, and which others were taken for it. */
export interface Brought {
  readonly result: PduResult;
  readonly taken: readonly EventId[];
}

/** What one event may still ask for, and whom. */
interface Search extends EarlierSearch {
  readonly room: KnownRoom;
  readonly states: Map<EventId, StateMap>;
  readonly taken: EventId[];
}

/** Brings what events miss from other servers, and has them accepted. Never holds the room: it takes its turn as commands do. */
export class MissingEvents {
  constructor(
    private readonly rooms: RoomCommands,
    private readonly acceptance: PduAcceptance,
    private readonly servers: RoomServers,
    private readonly earlier: EarlierEvents,
    private readonly gaps: GapStates,
    private readonly auth: MissingAuth,
    private readonly policySignatures: PolicySignatures,
  ) {}

  /**
   * 1. The events between the room and this one, from its origin, else from others of the room. Where none of them can be reached, that is
   *    all of the first tries: placed without those before it, it would make them history that no sync shows.
   * 2. Each of them through the checks, the oldest first. Where one misses authority, its auth chain is brought; where it misses
   *    predecessors after all, the states after them.
   * 3. The event itself.
   * The result is `missing-events` when not all could be brought.
   * @throws NotOwner, NotOwnerError
   */
  async bring(
    roomId: RoomId,
    received: ReceivedEvent,
    { origin, tries }: { readonly origin: ServerName; readonly tries: number },
    missing: Missing,
  ): Promise<Brought> {
    const taken: EventId[] = [];
    const deadline = Date.now() + FETCH_MS;
    const room = await this.rooms.look(roomId, deadline, knownRoom);
    if (!room) return { result: missing, taken };
    fetches.add(1);
    const others = await this.servers.serversIn(room.roomNid, OTHER_SERVERS + 1);
    const servers = [origin, ...others.filter((server) => server !== origin).slice(0, OTHER_SERVERS)];
    try {
      const states = new Map<EventId, StateMap>();
      const search = { room, servers, deadline, states, taken, mayDoWithout: tries >= PATIENT_TRIES };
      return { result: await this.search(received, missing, search), taken };
    } catch (error) {
      if (error instanceof MatrixError) return { result: missing, taken };
      throw error;
    }
  }

  private async search(received: ReceivedEvent, missing: Missing, search: Search): Promise<PduResult> {
    const { room } = search;
    const earlier =
      missing.missingPrev.length > 0
        ? await this.earlier.leadingTo(received, room, search)
        : new Map<EventId, ReceivedEvent>();
    const complete = await this.policySignatures.complete(room.roomId, [...earlier.values()]);
    for (const one of await citedFirst(byEventId(complete), prevEventIds)) {
      const { outcome, eventId } = await this.take(one, search);
      if (outcome !== 'missing-events') search.taken.push(eventId);
    }
    return this.take(received, search);
  }

  private async take(received: ReceivedEvent, search: Search): Promise<PduResult> {
    const { room, servers, deadline } = search;
    const accept = () =>
      this.acceptance.accept(room.roomId, received, Date.now() + ACCEPT_MS, { given: search.states });
    const result = await accept();
    if (result.outcome !== 'missing-events') return result;
    if (result.missingAuth.length > 0) await this.auth.bring(room, result.eventId, servers, deadline);
    for (const id of result.missingPrev) await this.bringState(id, search);
    return accept();
  }

  private async bringState(eventId: EventId, { room, servers, deadline, states }: Search): Promise<void> {
    const { roomId } = room;
    if (states.size >= MAX_GAP_STATES) return;
    const state = await askInTurn(servers, (server) =>
      this.gaps.after(room, eventId, { server, roomId, deadline }),
    );
    states.set(eventId, state);
  }
}
