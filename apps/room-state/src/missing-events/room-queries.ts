import type { FederationClient, FederationMethod } from '@atoll/federation-client';
import {
  type EventId,
  isEventId,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  MatrixError,
  type RoomId,
  type ServerName,
} from '@atoll/matrix';
import { helpIn, NoHelp, unusable } from '../remote-rooms/ask-in-turn.js';
import type { RequestSlots } from './request-slots.js';

/** Whom to ask about which room, and until when (ms since 1970). */
export interface Question {
  readonly server: ServerName;
  readonly roomId: RoomId;
  readonly deadline: number;
}

/** Which events are missing: those that lead from the earliest to the latest, without both. */
export interface MissingStretch {
  readonly earliest: readonly EventId[];
  readonly latest: readonly EventId[];
  readonly minDepth: number;
}

const TIMEOUT_MS = 20_000;
const STATE_TIMEOUT_MS = 60_000;
const MEBIBYTE = 1024 * 1024;
const API = '/_matrix/federation/v1';
/** What is made into text in one turn of the event loop. */
const SLICE = 100;

/** Events that one answer to `get_missing_events` may have. */
export const MAX_MISSING_EVENTS = 20;
const MAX_AUTH_EVENTS = 10_000;

/** The questions about a room's graph. Nothing of the answers is checked but their form; every method throws {@link NoHelp}. */
export class RoomQueries {
  constructor(
    private readonly federation: Pick<FederationClient, 'send'>,
    private readonly slots: RequestSlots,
  ) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1get_missing_eventsroomid */
  async missingEvents(question: Question, between: MissingStretch): Promise<string[]> {
    const path = `get_missing_events/${encodeURIComponent(question.roomId)}`;
    const body = await this.ask(question, 'POST', path, {
      content: {
        earliest_events: [...between.earliest],
        latest_events: [...between.latest],
        limit: MAX_MISSING_EVENTS,
        min_depth: between.minDepth,
      },
      maxBytes: 4 * MEBIBYTE,
    });
    return textsOf(listIn(question, body, 'events').slice(0, MAX_MISSING_EVENTS));
  }

  /**
   * The state before an event.
   * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1state_idsroomid
   */
  async stateIds(
    question: Question,
    eventId: EventId,
  ): Promise<{ state: readonly EventId[]; authChain: readonly EventId[] }> {
    const path = `state_ids/${encodeURIComponent(question.roomId)}?event_id=${encodeURIComponent(eventId)}`;
    const body = await this.ask(question, 'GET', path, { maxBytes: 32 * MEBIBYTE });
    return {
      state: listIn(question, body, 'pdu_ids').filter(isEventId),
      authChain: listIn(question, body, 'auth_chain_ids').filter(isEventId),
    };
  }

  /**
   * The events of the state before an event, and of its auth chain.
   * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1stateroomid
   */
  async state(question: Question, eventId: EventId): Promise<string[]> {
    const path = `state/${encodeURIComponent(question.roomId)}?event_id=${encodeURIComponent(eventId)}`;
    const body = await this.ask(question, 'GET', path, {
      maxBytes: 50 * MEBIBYTE,
      timeoutMs: STATE_TIMEOUT_MS,
    });
    return textsOf([...listIn(question, body, 'auth_chain'), ...listIn(question, body, 'pdus')]);
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1eventeventid */
  async event(question: Question, eventId: EventId): Promise<string[]> {
    const path = `event/${encodeURIComponent(eventId)}`;
    const body = await this.ask(question, 'GET', path, { maxBytes: MEBIBYTE });
    return textsOf(listIn(question, body, 'pdus').slice(0, 1));
  }

  /** Those of the events that the server gives. */
  async events(question: Question, eventIds: readonly EventId[]): Promise<string[]> {
    const answers = await Promise.all(
      eventIds.map((id) =>
        this.event(question, id).catch((error: unknown) => {
          if (error instanceof NoHelp) return [];
          throw error;
        }),
      ),
    );
    return answers.flat();
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1event_authroomideventid */
  async eventAuth(question: Question, eventId: EventId): Promise<string[]> {
    const path = `event_auth/${encodeURIComponent(question.roomId)}/${encodeURIComponent(eventId)}`;
    const body = await this.ask(question, 'GET', path, { maxBytes: 32 * MEBIBYTE });
    return textsOf(listIn(question, body, 'auth_chain').slice(0, MAX_AUTH_EVENTS));
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1backfillroomid */
  async backfill(question: Question, from: readonly EventId[], limit: number): Promise<string[]> {
    const query = new URLSearchParams([...from.map((id) => ['v', id]), ['limit', String(limit)]]);
    const path = `backfill/${encodeURIComponent(question.roomId)}?${query.toString()}`;
    const body = await this.ask(question, 'GET', path, { maxBytes: 16 * MEBIBYTE });
    return textsOf(listIn(question, body, 'pdus').slice(0, limit));
  }

  private async ask(
    { server, deadline }: Question,
    method: FederationMethod,
    path: string,
    options: { readonly content?: JsonObject; readonly maxBytes: number; readonly timeoutMs?: number },
  ): Promise<JsonObject> {
    const { content, maxBytes } = options;
    const result = await this.slots.run(server, () => {
      const timeoutMs = Math.min(options.timeoutMs ?? TIMEOUT_MS, deadline - Date.now());
      if (timeoutMs <= 0) throw tooLate(server);
      return this.federation.send(server, method, `${API}/${path}`, content, { timeoutMs, maxBytes });
    });
    const body = helpIn(result);
    if (!isJsonObject(body)) throw unusable(server, 'no JSON object');
    return body;
  }
}

function tooLate(server: ServerName): NoHelp {
  return new NoHelp(new MatrixError(504, 'M_UNKNOWN', `There was no time left to ask ${server}`));
}

function listIn({ server }: Question, body: JsonObject, key: string): JsonValue[] {
  const list = body[key];
  if (!Array.isArray(list)) throw unusable(server, `no ${key}`);
  return list;
}

/** As exact as they came: the client keeps their numbers. */
async function textsOf(pdus: readonly JsonValue[]): Promise<string[]> {
  const texts: string[] = [];
  for (let start = 0; start < pdus.length; start += SLICE) {
    if (start > 0) await new Promise(setImmediate);
    texts.push(...pdus.slice(start, start + SLICE).map((pdu) => JSON.stringify(pdu)));
  }
  return texts;
}
