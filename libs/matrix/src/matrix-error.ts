import type { JsonObject } from './json.js';

/**
 * An error that a client or server may see: HTTP status, `errcode`, text and extra fields of the body.
 * @see https://spec.matrix.org/v1.19/client-server-api/#standard-error-response
 */
export class MatrixError extends Error {
  override readonly name = 'MatrixError';

  constructor(
    readonly status: number,
    readonly errcode: string,
    message: string,
    readonly extra: JsonObject = {},
  ) {
    super(message);
  }

  /** The JSON body of the answer. */
  body(): JsonObject {
    return { errcode: this.errcode, error: this.message, ...this.extra };
  }
}

export const forbidden = (message: string) => new MatrixError(403, 'M_FORBIDDEN', message);
export const notFound = (message: string) => new MatrixError(404, 'M_NOT_FOUND', message);
export const badJson = (message: string) => new MatrixError(400, 'M_BAD_JSON', message);
export const invalidParam = (message: string) => new MatrixError(400, 'M_INVALID_PARAM', message);
export const missingParam = (message: string) => new MatrixError(400, 'M_MISSING_PARAM', message);
export const tooLarge = (message: string) => new MatrixError(413, 'M_TOO_LARGE', message);
/** What guests may not do. @see https://spec.matrix.org/v1.19/client-server-api/#guest-access */
export const guestAccessForbidden = (message: string) =>
  new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', message);
/** A bound on what is kept for one user or room is reached. */
export const resourceLimit = (message: string) => new MatrixError(403, 'M_RESOURCE_LIMIT_EXCEEDED', message);
/** @see https://spec.matrix.org/v1.19/client-server-api/#invite-permission */
export const INVITE_BLOCKED = 'M_INVITE_BLOCKED';
export const unrecognized = (status: 404 | 405) =>
  new MatrixError(status, 'M_UNRECOGNIZED', status === 404 ? 'Unrecognized request' : 'Method not allowed');
/** 503 with `retry_after_ms`: a bound is reached or a service is not reachable right now. */
export const overloaded = (retryAfterMs: number) =>
  new MatrixError(503, 'M_LIMIT_EXCEEDED', 'The server is overloaded, try again later', {
    retry_after_ms: retryAfterMs,
  });
