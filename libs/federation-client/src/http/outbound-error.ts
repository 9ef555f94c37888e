/** Why there is no answer. */
export type OutboundErrorKind =
  /** The deny-list forbids every address of the host. */
  | 'denied'
  /** The host has no address. */
  | 'unresolvable'
  /** No connection, or one that ended before the answer did. */
  | 'unreachable'
  /** No handshake, or a certificate that is not trusted, not valid now or for another name. */
  | 'tls'
  | 'timeout'
  /** The body or the header section exceeds its limit. */
  | 'too-large'
  /** No HTTP, an encoding that was not offered, or redirects that lead nowhere. */
  | 'protocol';

const MESSAGES: Record<OutboundErrorKind, string> = {
  denied: 'The address may not be reached',
  unresolvable: 'The host name has no address',
  unreachable: 'The host cannot be reached',
  tls: 'The host has no valid certificate',
  timeout: 'The host did not answer in time',
  'too-large': 'The answer is too large',
  protocol: 'The answer is malformed',
};

/** A request that got no acceptable answer. The message names no host and no address; `cause` may, and is for logs only. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError';

  /** @param maybeProcessed whether the peer may have got, and acted upon, the request */
  constructor(
    readonly kind: OutboundErrorKind,
    readonly maybeProcessed: boolean,
    cause?: unknown,
  ) {
    super(MESSAGES[kind], { cause });
  }
}
