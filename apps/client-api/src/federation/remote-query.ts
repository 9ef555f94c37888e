import type { ByteAllowance, FederationClient, FederationMethod } from '@atoll/federation-client';
import {
  forbidden,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  MatrixError,
  overloaded,
  type ServerName,
} from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { FEDERATION } from '../platform/tokens.js';

export interface Question {
  readonly method?: FederationMethod;
  /** From `/_matrix/federation/` on, percent-encoded, with the query. */
  readonly path: string;
  readonly content?: JsonValue;
  /** Of the answer. */
  readonly maxBytes: number;
  /** Of the answer, together with others. */
  readonly allowance?: ByteAllowance | undefined;
  /** Where there is less time than for other questions. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
/** Anybody may make this server ask: silent servers must not take the places of all other requests. */
const MAX_OPEN = 100;
const RETRY_AFTER_MS = 1_000;

/** Asks other servers what a client wants to know, while the client waits. */
@Injectable()
export class RemoteQuery {
  #open = 0;

  constructor(@Inject(FEDERATION) private readonly federation: Pick<FederationClient, 'send'>) {}

  /**
   * The object that a server answers, undefined when it says 404. Its content is the server's word, to be checked by the caller.
   * @throws MatrixError 403 where the server says so, 502 for any other refusal or no usable answer, 504 for none in time, 503 while
   * too many questions are open
   */
  async ask(server: ServerName, question: Question): Promise<JsonObject | undefined> {
    if (this.#open >= MAX_OPEN) throw overloaded(RETRY_AFTER_MS);
    this.#open++;
    try {
      return await askServer(this.federation, server, question);
    } finally {
      this.#open--;
    }
  }
}

/**
 * A question whose caller bounds how many are open.
 * @see RemoteQuery.ask for the answer and the errors
 */
export async function askServer(
  federation: Pick<FederationClient, 'send'>,
  server: ServerName,
  { method = 'GET', path, content, maxBytes, allowance, timeoutMs = TIMEOUT_MS }: Question,
): Promise<JsonObject | undefined> {
  const options = { timeoutMs: Math.min(timeoutMs, TIMEOUT_MS), maxBytes, allowance };
  const result = await federation.send(server, method, path, content, options);
  if (result.outcome === 'failed') throw result.error;
  if (result.outcome === 'answered') {
    if (isJsonObject(result.body)) return result.body;
    throw unusable(server);
  }
  if (result.status === 404) return undefined;
  if (result.status === 403) throw forbidden(`The server ${server} does not tell`);
  throw new MatrixError(502, 'M_UNKNOWN', `The server ${server} refused to answer`);
}

/** The server answered something that the specification does not know. */
export const unusable = (server: ServerName) =>
  new MatrixError(502, 'M_UNKNOWN', `The server ${server} gave no usable answer`);
