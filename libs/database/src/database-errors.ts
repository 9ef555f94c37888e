import pg from 'pg';

/** No connection could be had in the time allowed; nothing was sent. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
}

/**
 * The connection was lost while COMMIT was on its way: the transaction may or may not have happened. Look for its rows by
 * their ids before answering or trying again.
 */
export class CommitInDoubt extends Error {
  override readonly name = 'CommitInDoubt';
}

export function isCommitInDoubt(error: unknown): error is CommitInDoubt {
  return error instanceof CommitInDoubt;
}

/** serialization failure, deadlock, lock timeout, idle in transaction, shutdown and start-up, too many connections */
const RETRYABLE = new Set(['40001', '40P01', '55P03', '25P03', '57P01', '57P02', '57P03', '57P05', '53300']);

/**
 * Whether the same transaction may simply run again: it was undone for a reason that passes. False for {@link CommitInDoubt},
 * which must be looked up first.
 */
export function isRetryable(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable) return true;
  const code = sqlState(error);
  return code === undefined ? isConnectionLoss(error) : RETRYABLE.has(code) || code.startsWith('08');
}

/** The five-character SQLSTATE of an error that PostgreSQL itself reported. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** Whether a statement was refused because a row with the same key exists, under the given constraint. */
export function isUniqueViolation(error: unknown, constraint: string): boolean {
  return error instanceof pg.DatabaseError && error.code === '23505' && error.constraint === constraint;
}

/** The statement was never sent, because the session had ended before. */
function isNeverSent(error: unknown): boolean {
  return error instanceof Error && /is not queryable/.test(error.message);
}

function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_AGAIN)/.test(code))
    return true;
  return (
    isNeverSent(error) ||
    /Connection terminated|did not answer in time|timeout exceeded when trying to connect/i.test(
      error.message,
    )
  );
}

/** Whether the connection is of no more use: it broke, or the server ended the session. */
export function hasEndedSession(error: unknown): boolean {
  const code = sqlState(error);
  return code === undefined || code === '25P03' || /^(57P|08)/.test(code);
}

/** Says what a failed COMMIT means: {@link CommitInDoubt}, unless it is certain that nothing was committed. */
export function commitFailure(error: unknown): unknown {
  const code = sqlState(error);
  const endedBySomebody = code?.startsWith('57P') === true || code?.startsWith('08') === true;
  if (isNeverSent(error) || (code !== undefined && !endedBySomebody)) return error;
  return new CommitInDoubt('the connection was lost while the commit was on its way', { cause: error });
}
