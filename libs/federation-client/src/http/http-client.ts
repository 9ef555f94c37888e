import { createSecureContext, getCACertificates } from 'node:tls';
import type { Dispatcher } from 'undici';
import type { DnsResolver } from '../addresses/dns-resolver.js';
import type { IpDenylist } from '../addresses/ip-denylist.js';
import type { Candidate } from '../discovery/candidate.js';
import { type ByteAllowance, exchange, type ExchangeOptions, type HttpAnswer } from './exchange.js';
import { guardedConnector, type Handshake } from './guarded-connector.js';
import { OriginPools } from './origin-pools.js';
import { OutboundError } from './outbound-error.js';
import { redirectTarget, urlTarget } from './url-target.js';

export interface HttpClientOptions {
  readonly dns: Pick<DnsResolver, 'addresses'>;
  readonly denylist: IpDenylist;
  /** Certificates in PEM, trusted beside those that Node trusts by default. */
  readonly extraCa?: readonly string[];
  /** For the look-up, the connection and the handshake together. */
  readonly connectTimeoutMs?: number;
  /** For the head of an answer, and between parts of its body. */
  readonly silenceMs?: number;
  readonly maxHeaderBytes?: number;
  readonly maxOrigins?: number;
  readonly connectionsPerOrigin?: number;
  readonly keepAliveMs?: number;
  readonly idleOriginMs?: number;
  readonly onHandshake?: (handshake: Handshake) => void;
}

/**
 * Offered in key exchanges, the hybrid with ML-KEM first: what is recorded today must not be readable by a quantum computer later. Both of
 * the first two get a key share (`*`), so that a peer without the hybrid costs no round trip more; `?` passes over what OpenSSL lacks.
 * No second try without the hybrid: whoever sits in between could then keep it from us.
 */
const KEY_EXCHANGE_GROUPS = '?*X25519MLKEM768/?*X25519:?secp256r1/?secp384r1:?secp521r1';

interface Bounds {
  /** For everything from the call to the last byte. */
  readonly timeoutMs: number;
  /** Of the body of the answer. */
  readonly maxBytes: number;
  /** `Host` and `Accept-Encoding` are the client's own. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpRequest extends Bounds {
  readonly target: Candidate;
  readonly method: Dispatcher.HttpMethod;
  /** With the query, exactly as it is to be sent. */
  readonly path: string;
  readonly body?: string | Uint8Array;
  /** Of the body of the answer, together with others. */
  readonly allowance?: ByteAllowance | undefined;
}

export interface GetRequest extends Bounds {
  readonly url: string;
  /** How many redirects may be followed. */
  readonly redirects: number;
}

/** HTTPS to hosts that others have named: every address is checked, and everything has a bound. */
export class HttpClient {
  readonly #pools: OriginPools;
  readonly #silenceMs: number;

  constructor({ silenceMs = 30_000, ...options }: HttpClientOptions) {
    const { dns, denylist, onHandshake, connectTimeoutMs = 10_000 } = options;
    const secureContext = createSecureContext({
      minVersion: 'TLSv1.2',
      ecdhCurve: KEY_EXCHANGE_GROUPS,
      ...trust(options.extraCa),
    });
    this.#silenceMs = silenceMs;
    this.#pools = new OriginPools({
      connector: (target) =>
        guardedConnector(target, { dns, denylist, secureContext, connectTimeoutMs, onHandshake }),
      maxOrigins: options.maxOrigins ?? 512,
      connectionsPerOrigin: options.connectionsPerOrigin ?? 8,
      keepAliveMs: options.keepAliveMs ?? 30_000,
      idleOriginMs: options.idleOriginMs ?? 120_000,
      maxHeaderBytes: options.maxHeaderBytes ?? 16_384,
    });
  }

  /**
   * One request to one place. Redirects are answers like any other.
   * @throws {OutboundError}
   */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    return await exchange(this.#pools.get(request.target), this.#exchangeOptions(request));
  }

  /**
   * A GET that follows redirects, to `https:` only, each checked like the first request; all within one time-out. Its
   * connections are not kept, and its headers go to the first host only.
   * @throws {OutboundError} `protocol` for loops, too many redirects, and other schemes
   */
  async get({ url, redirects, timeoutMs, maxBytes, headers = {} }: GetRequest): Promise<HttpAnswer> {
    const deadline = performance.now() + timeoutMs;
    const visited = new Set<string>();
    const first = new URL(url);
    let next = first;
    while (visited.size <= redirects && !visited.has(next.href)) {
      visited.add(next.href);
      const target = urlTarget(next);
      const request = this.#exchangeOptions({
        target,
        method: 'GET',
        path: next.pathname + next.search,
        headers: next.host === first.host ? headers : {},
        timeoutMs: Math.max(1, Math.ceil(deadline - performance.now())),
        maxBytes,
      });
      const answer = await this.#pools.once(target, (pool) => exchange(pool, request));
      const redirect = redirectTarget(answer.status, answer.headers.location, next);
      if (redirect === undefined || redirects === 0) return answer;
      next = redirect;
    }
    throw new OutboundError('protocol', true);
  }

  /** Ends when requests under way have ended; those that have not within the grace become `unreachable`. */
  close(graceMs = 5_000): Promise<void> {
    return this.#pools.close(graceMs);
  }

  #exchangeOptions({ target, headers, body, ...request }: HttpRequest): ExchangeOptions {
    return {
      ...request,
      body,
      silenceMs: Math.min(this.#silenceMs, request.timeoutMs),
      headers: { 'user-agent': 'Atoll', ...lowerCased(headers), ...ownHeaders(target) },
    };
  }
}

/** Without certificates of its own, a context shares the store that Node has built already. */
const trust = (extraCa: readonly string[] = []) =>
  extraCa.length === 0 ? {} : { ca: [...getCACertificates('default'), ...extraCa] };

/** A body that is compressed could grow beyond any bound, so none is asked for. */
const ownHeaders = ({ hostHeader }: Candidate) => ({ host: hostHeader, 'accept-encoding': 'identity' });

const lowerCased = (headers: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
