import type { Config } from '@atoll/config';
import { eventIdSchema } from '@atoll/contract';
import {
  EVENT_STATUS,
  EventReader,
  type EventTime,
  EventTimeReader,
  HistoryReader,
  pointAfter,
  pointAt,
  type RoomRecord,
  RoomServersReader,
} from '@atoll/database';
import { type EventId, MatrixError, type ServerName } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { RemoteQuery } from '../../federation/remote-query.js';
import { CONFIG } from '../../platform/tokens.js';
import { OlderHistory } from '../get-room-events/older-history.js';
import { distanceTo, type TimePoint } from './time-point.js';

const MAX_SERVERS = 3;
const ASK_MS = 10_000;
const MAX_ANSWER_BYTES = 65_536;
/** For all that one request brings. */
const FETCH_MS = 20_000;
const MAX_FETCHES = 10;
const FETCHED_EVENTS = 100;

const answerSchema = z.object({ event_id: eventIdSchema, origin_server_ts: z.number().int() });

/** Brings history that only other servers have, where it lies closer to a time than what is here. */
@Injectable()
export class CloserHistory {
  constructor(
    private readonly times: EventTimeReader,
    private readonly history: HistoryReader,
    private readonly servers: RoomServersReader,
    private readonly remote: RemoteQuery,
    private readonly older: OlderHistory,
    private readonly events: EventReader,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Nobody is asked unless something is missing that lies later in the room than the last event before the time: the rest is older than
   * that one, as far as clocks go. Whatever others say, an event counts when it is here; their answer tells how far to go back.
   * @returns whether something was added
   */
  async bring(room: RoomRecord, point: TimePoint, best: EventTime | undefined): Promise<boolean> {
    const before = await this.times.closest(room.roomNid, point.ts, 'b');
    if (!(await this.history.isIncomplete(room.roomNid, before?.depth))) return false;
    const within = best === undefined ? Infinity : distanceTo(point, best.originServerTs);
    const eventId = await this.closer(room, point, within);
    return eventId !== undefined && (await this.fetchUpTo(room, eventId, point));
  }

  /** What the first server knows that is closer than this. */
  private async closer(room: RoomRecord, point: TimePoint, within: number): Promise<EventId | undefined> {
    const servers = await this.servers.serversIn(room.roomNid, MAX_SERVERS + 1);
    const others = servers.filter((server) => server !== this.config.serverName).slice(0, MAX_SERVERS);
    const deadline = performance.now() + ASK_MS;
    for (const server of others) {
      const timeoutMs = Math.ceil(deadline - performance.now());
      if (timeoutMs <= 0) break;
      const answer = await this.ask(server, room, point, timeoutMs);
      const distance = distanceTo(point, answer?.origin_server_ts ?? NaN);
      if (distance >= 0 && distance < within) return answer?.event_id;
    }
    return undefined;
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1timestamp_to_eventroomid */
  private async ask(server: ServerName, { roomId }: RoomRecord, { ts, dir }: TimePoint, timeoutMs: number) {
    const path = `/_matrix/federation/v1/timestamp_to_event/${encodeURIComponent(roomId)}?ts=${ts}&dir=${dir}`;
    try {
      const answer = await this.remote.ask(server, { path, maxBytes: MAX_ANSWER_BYTES, timeoutMs });
      return answerSchema.safeParse(answer).data;
    } catch (error) {
      if (error instanceof MatrixError) return undefined;
      throw error;
    }
  }

  /** What is missing before the first event of that time and later comes first: there it should be, as far as clocks go. */
  private async fetchUpTo(room: RoomRecord, eventId: EventId, { ts }: TimePoint): Promise<boolean> {
    const deadline = performance.now() + FETCH_MS;
    const next = await this.times.closest(room.roomNid, ts, 'f');
    const following = next && (await this.events.byNids([next.eventNid])).get(next.eventNid);
    let from = following && pointAfter(following);
    let isAdded = false;
    for (let fetches = 0; fetches < MAX_FETCHES && !(await this.isDecided(eventId)); fetches++) {
      const timeoutMs = Math.ceil(deadline - performance.now());
      if (timeoutMs <= 0) break;
      const before = await this.older.gapBetween(room, from, undefined);
      if (before === undefined) break;
      const fetched = await this.older.fetch(room, { before, events: FETCHED_EVENTS, timeoutMs });
      if (fetched === 'added') isAdded = true;
      else from = pointAt(before - 1);
    }
    return isAdded;
  }

  /** Whether the event has its place, or will have none. */
  private async isDecided(eventId: EventId): Promise<boolean> {
    const event = (await this.events.byIds([eventId])).get(eventId);
    return event !== undefined && (event.position !== null || event.status !== EVENT_STATUS.outlier);
  }
}
