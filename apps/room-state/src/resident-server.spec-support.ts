import { partitionOf } from '@atoll/contract';
import type { FederationClient } from '@atoll/federation-client';
import {
  authEventIds,
  type EventId,
  type JsonObject,
  type JsonValue,
  MatrixError,
  type Pdu,
  prevEventIds,
  type RoomId,
  type ServerName,
} from '@atoll/matrix';
import { eventIdOf, type RoomVersionRules, rulesOf } from '@atoll/room-rules';
import { HS2, type RemoteEvent, type RemoteServer } from './remote-server.spec-support.js';
import { RoomModel } from './room-model.spec-support.js';
import { StagedPdus } from './staged-pdus/staged-pdus.js';
import type { TestRoomState } from './test-room-state.spec-support.js';

/** `'silence'` is none. */
type Answer = JsonValue;

/** What one resident server does when it is asked. */
export type Resident = (endpoint: string, url: URL, content: JsonObject) => Answer | Promise<Answer>;

/** A network of residents; who is not in it is not reached. */
export class ScriptedNetwork {
  readonly residents = new Map<ServerName, Resident>();
  /** `server endpoint`, in the order of the questions. */
  readonly asked: string[] = [];

  readonly send: FederationClient['send'] = async (destination, _method, path, content) => {
    const url = new URL(path, 'https://resident');
    const endpoint = url.pathname.split('/')[4] ?? '';
    this.asked.push(`${destination} ${endpoint}`);
    const answer = await this.residents.get(destination)?.(endpoint, url, (content ?? {}) as JsonObject);
    if (answer === undefined || answer === 'silence') {
      return {
        outcome: 'failed',
        kind: 'unreachable',
        error: new MatrixError(502, 'M_UNKNOWN', 'not there'),
      };
    }
    return { outcome: 'answered', status: 200, body: answer };
  };

  countOf(endpoint: string): number {
    return this.asked.filter((one) => one.endsWith(` ${endpoint}`)).length;
  }
}

/** The view of `hs2` of a room that the service is in as well: it goes on with events that the service has not got. */
export class ResidentRoom {
  private constructor(
    readonly roomId: RoomId,
    readonly model: RoomModel,
    private readonly rules: RoomVersionRules,
    private readonly server: RemoteServer,
  ) {}

  static async of(
    service: TestRoomState,
    server: RemoteServer,
    roomId: RoomId,
    version = '12',
  ): Promise<ResidentRoom> {
    const rules = rulesOf(version) as RoomVersionRules;
    const model = await RoomModel.read(service.database, roomId, rules);
    return new ResidentRoom(roomId, model, rules, server);
  }

  /** An event that only `hs2` has. */
  async say(event: RemoteEvent): Promise<EventId> {
    const prev = event.prev ?? this.model.headsOf(this.model.timeline());
    const depth = 1 + Math.max(...prev.map((id) => this.model.events.get(id)?.pdu.depth ?? 0));
    const pdu = await this.server.eventOn(this.model, this.roomId, this.rules, { depth, ...event, prev });
    const eventId = eventIdOf(pdu, this.rules);
    this.model.add({ eventId, roomId: this.roomId, pdu, rejected: false });
    return eventId;
  }

  async messages(count: number): Promise<EventId[]> {
    const ids: EventId[] = [];
    for (let n = 0; n < count; n += 1) ids.push(await this.say({ type: 'm.room.message', content: { n } }));
    return ids;
  }

  pdu(eventId: EventId): Pdu {
    const event = this.model.events.get(eventId);
    if (!event) throw new Error(`${eventId} does not exist`);
    return event.pdu;
  }

  /** Answers as a server must. */
  readonly answers: Resident = (endpoint, url, content) => {
    const last = decodeURIComponent(url.pathname.split('/').at(-1) ?? '') as EventId;
    const at = url.searchParams.get('event_id') as EventId;
    switch (endpoint) {
      case 'get_missing_events':
        return { events: this.missingEvents(content) };
      case 'backfill':
        return { pdus: this.backfill(url.searchParams) };
      case 'state_ids': {
        const state = this.stateBefore(at);
        return { pdu_ids: state, auth_chain_ids: this.authChain(state) };
      }
      case 'state': {
        const state = this.stateBefore(at);
        return { pdus: this.jsonOf(state), auth_chain: this.jsonOf(this.authChain(state)) };
      }
      case 'event':
        return this.model.events.has(last) ? { pdus: this.jsonOf([last]) } : 'silence';
      case 'event_auth':
        return { auth_chain: this.jsonOf(this.authChain([last])) };
      default:
        return 'silence';
    }
  };

  private jsonOf(ids: readonly EventId[]): JsonObject[] {
    return ids.map((id) => this.pdu(id) as unknown as JsonObject);
  }

  private stateBefore(eventId: EventId): EventId[] {
    return [...this.model.stateAfterAll(prevEventIds(this.pdu(eventId))).values()];
  }

  private authChain(ids: readonly EventId[]): EventId[] {
    const chain = new Set<EventId>();
    const stack = ids.flatMap((id) => authEventIds(this.pdu(id)));
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      if (chain.has(id)) continue;
      chain.add(id);
      stack.push(...authEventIds(this.pdu(id)));
    }
    return [...chain];
  }

  private missingEvents({ earliest_events, latest_events, limit }: JsonObject): JsonObject[] {
    const stop = new Set([...(earliest_events as EventId[]), ...(latest_events as EventId[])]);
    const from = (latest_events as EventId[]).flatMap((id) => prevEventIds(this.pdu(id)));
    return this.jsonOf(this.walk(from, stop, limit as number).toReversed());
  }

  private backfill(query: URLSearchParams): JsonObject[] {
    return this.jsonOf(this.walk(query.getAll('v') as EventId[], new Set(), Number(query.get('limit'))));
  }

  private walk(from: readonly EventId[], stop: ReadonlySet<EventId>, limit: number): EventId[] {
    const walked = new Set<EventId>();
    const queue = [...from];
    for (let id = queue.shift(); id !== undefined && walked.size < limit; id = queue.shift()) {
      if (stop.has(id) || walked.has(id)) continue;
      walked.add(id);
      queue.push(...prevEventIds(this.pdu(id)));
    }
    return [...walked];
  }
}

/** Puts events where the receiver puts them once it has checked them, and tells their owner. */
export async function stage(
  service: TestRoomState,
  roomId: RoomId,
  events: readonly { readonly eventId: EventId; readonly pdu: Pdu }[],
  origin = HS2,
): Promise<void> {
  const rows = events.map(({ eventId, pdu }) => ({
    room_id: roomId,
    partition: partitionOf(roomId, service.owned.size || 8),
    event_id: eventId,
    origin,
    json: JSON.stringify(pdu),
    received_ts: Date.now(),
  }));
  await service.database.db
    .insertInto('staged_pdus')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  service.module.get(StagedPdus).wake(roomId);
}

/** Waits until something holds. */
export async function until(holds: () => Promise<boolean>, ms = 20_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('It did not come to hold in time');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export async function countStaged(service: TestRoomState, roomId: RoomId): Promise<number> {
  const { count } = await service.database.db
    .selectFrom('staged_pdus')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('room_id', '=', roomId)
    .executeTakeFirstOrThrow();
  return count;
}
