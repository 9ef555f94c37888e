import { lenientCanonicalJson, type SigningKey } from '@atoll/event-crypto';
import type { JsonValue, ServerName } from '@atoll/matrix';
import type { Candidate } from '../discovery/candidate.js';
import type { ServerDiscovery } from '../discovery/server-discovery.js';
import type { HttpClient, HttpRequest } from '../http/http-client.js';
import type { ByteAllowance, HttpAnswer } from '../http/exchange.js';
import { OutboundError } from '../http/outbound-error.js';
import { parseJsonAnswer } from '../http/json-answer.js';
import { observed } from './observe-request.js';
import { failed, readAnswer, type SendResult } from './send-result.js';
import { signRequest } from './sign-request.js';
import { withinTime } from './within-time.js';

export interface FederationClientOptions {
  readonly origin: ServerName;
  readonly key: SigningKey;
  readonly http: HttpClient;
  readonly discovery: ServerDiscovery;
}

export interface SendOptions {
  /** For everything: discovery and every candidate. */
  readonly timeoutMs?: number;
  /** Of the answer. */
  readonly maxBytes?: number;
  /** Of the answer, together with others. */
  readonly allowance?: ByteAllowance | undefined;
}

export type FederationMethod = 'GET' | 'PUT' | 'POST' | 'DELETE';

interface FederationRequest {
  readonly destination: ServerName;
  readonly method: FederationMethod;
  readonly path: string;
  readonly content: JsonValue | undefined;
}

const TIMEOUT_MS = 60_000;
/** The state of large rooms comes in one answer. */
const MAX_BYTES = 100 * 1024 * 1024;

/** Sends signed requests to other servers, wherever they are. */
export class FederationClient {
  constructor(private readonly options: FederationClientOptions) {}

  /**
   * 1. Discovers where the server answers.
   * 2. Signs the request, for the server's own name.
   * 3. Tries the candidates in order, while the request cannot have been processed or may safely be repeated.
   * 4. Reads the answer.
   *
   * @param path from `/_matrix/` on, percent-encoded, with the query
   * @throws {CanonicalJsonError} when the content has no canonical form; {@link TypeError} for a path elsewhere
   */
  send(
    destination: ServerName,
    method: FederationMethod,
    path: string,
    content?: JsonValue,
    options?: SendOptions,
  ): Promise<SendResult> {
    return this.#send({ destination, method, path, content }, parseJsonAnswer, options);
  }

  /**
   * The same for answers that are too large to be parsed on the event loop: the body comes as it was sent, JSON or not.
   * @throws as {@link send}
   */
  sendForBytes(
    destination: ServerName,
    method: FederationMethod,
    path: string,
    content?: JsonValue,
    options?: SendOptions,
  ): Promise<SendResult<Buffer>> {
    return this.#send({ destination, method, path, content }, (body) => body, options);
  }

  async #send<Body>(
    request: FederationRequest,
    read: (body: Buffer) => Body | undefined,
    options: SendOptions = {},
  ): Promise<SendResult<Body>> {
    if (!request.path.startsWith('/_matrix/')) throw new TypeError('The path must start with /_matrix/');
    return observed(request, () => this.#exchange(request, read, options));
  }

  async #exchange<Body>(
    { destination, method, path, content }: FederationRequest,
    read: (body: Buffer) => Body | undefined,
    { timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES, allowance }: SendOptions,
  ): Promise<SendResult<Body>> {
    const { origin, key, discovery } = this.options;
    const deadline = performance.now() + timeoutMs;
    const candidates = await withinTime(discovery.discover(destination), timeoutMs);
    if (candidates === undefined) return failed(destination, 'timeout');
    const authorization = await signRequest({ method, uri: path, destination, content }, origin, key);
    const result = await this.#tryInTurn(candidates, deadline, {
      method,
      path,
      maxBytes,
      allowance,
      headers: { authorization, ...(content !== undefined && { 'content-type': 'application/json' }) },
      // The very text that was signed: what a peer parses and writes again is the same.
      ...(content !== undefined && { body: lenientCanonicalJson(content) }),
    });
    if (!(result instanceof OutboundError)) return readAnswer(destination, result, read);
    if (!result.maybeProcessed) discovery.reconsider(destination);
    return failed(destination, result.kind);
  }

  async #tryInTurn(
    candidates: readonly Candidate[],
    deadline: number,
    request: Omit<HttpRequest, 'target' | 'timeoutMs'>,
  ): Promise<HttpAnswer | OutboundError> {
    let failure = new OutboundError('unresolvable', false);
    for (const target of candidates) {
      let result = await this.#try({ ...request, target }, deadline);
      // A kept connection may have ended just when the request was written to it.
      if (mayRepeat(result, request.method)) result = await this.#try({ ...request, target }, deadline);
      if (!(result instanceof OutboundError)) return result;
      failure = result;
      if (result.maybeProcessed && !mayRepeat(result, request.method)) break;
    }
    return failure;
  }

  async #try(request: Omit<HttpRequest, 'timeoutMs'>, deadline: number): Promise<HttpAnswer | OutboundError> {
    const timeoutMs = Math.ceil(deadline - performance.now());
    if (timeoutMs <= 0) return new OutboundError('timeout', false);
    try {
      return await this.options.http.request({ ...request, timeoutMs });
    } catch (error) {
      if (error instanceof OutboundError) return error;
      throw error;
    }
  }
}

/** A request that was lost on the way may be repeated if doing it twice is doing it once; a peer that is slow is not asked again. */
const mayRepeat = (result: HttpAnswer | OutboundError, method: string) =>
  result instanceof OutboundError &&
  result.maybeProcessed &&
  result.kind === 'unreachable' &&
  (method === 'GET' || method === 'PUT');
