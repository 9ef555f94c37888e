import { OutboundError, type OutboundErrorKind } from './outbound-error.js';

/** System errors, such as ECONNREFUSED and EHOSTUNREACH; those of Node and OpenSSL have an underscore or more to say. */
const SYSTEM_ERROR = /^E[A-Z0-9]+$/;

/** An error from before the connection was established; the request was not sent. */
export function connectError(error: unknown): OutboundError {
  if (error instanceof OutboundError) return error;
  return new OutboundError(connectErrorKind(codeOf(error)), false, error);
}

function connectErrorKind(code: string): OutboundErrorKind {
  if (code === 'ETIMEDOUT' || code === 'UND_ERR_CONNECT_TIMEOUT') return 'timeout';
  return SYSTEM_ERROR.test(code) && code !== 'EPROTO' ? 'unreachable' : 'tls';
}

const EXCHANGE_ERRORS: Readonly<Partial<Record<string, OutboundErrorKind>>> = {
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_OVERFLOW: 'too-large',
  UND_ERR_SOCKET: 'unreachable',
  UND_ERR_CLOSED: 'unreachable',
  UND_ERR_DESTROYED: 'unreachable',
};

/**
 * An error of undici while a request waited or was under way.
 * @throws what is a mistake in the request itself
 */
export function exchangeError(error: Error, started: boolean): OutboundError {
  if (error instanceof OutboundError) return error;
  const code = codeOf(error);
  if (code === 'UND_ERR_INVALID_ARG') throw error;
  const kind = EXCHANGE_ERRORS[code] ?? (SYSTEM_ERROR.test(code) ? 'unreachable' : 'protocol');
  return new OutboundError(kind, started, error);
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}
