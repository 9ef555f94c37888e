import { isCommitInDoubt, isRetryable, ReadTookTooLong } from '@atoll/database';
import { MatrixError, invalidParam, overloaded, tooLarge, unrecognized } from '@atoll/matrix';
import { HttpException } from '@nestjs/common';

const BY_STATUS: Readonly<Record<number, () => MatrixError>> = {
  404: () => unrecognized(404),
  405: () => unrecognized(405),
  413: () => tooLarge('The body is too large'),
  414: () => invalidParam('The path is too long'),
};

/** When a database that was away is asked again, in ms. */
const RETRY_AFTER_MS = 1000;
/** When something is asked again that was too much, in ms. */
const SLOW_RETRY_AFTER_MS = 10_000;

/**
 * What a client is told about an error. Only Matrix errors speak for themselves; of what Nest and Fastify refuse before a
 * handler runs the status is kept; a database that is away or too slow passes, so the client may try again; of anything else nothing is told.
 */
export function toMatrixError(error: unknown): MatrixError {
  if (error instanceof MatrixError) return error;
  if (error instanceof Error && 'code' in error && error.code === 'FST_ERR_BAD_URL')
    return invalidParam('The path is not percent-encoded UTF-8');
  if (isRetryable(error) || isCommitInDoubt(error)) return overloaded(RETRY_AFTER_MS);
  if (error instanceof ReadTookTooLong) return overloaded(SLOW_RETRY_AFTER_MS);
  const status = statusOf(error);
  if (status === undefined || status < 400 || status >= 500)
    return new MatrixError(500, 'M_UNKNOWN', 'Internal server error');
  return BY_STATUS[status]?.() ?? new MatrixError(status, 'M_UNKNOWN', 'The request cannot be served');
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number')
    return error.statusCode;
  return undefined;
}
