import { CommitInDoubt, DatabaseUnavailable, ReadTookTooLong } from '@atoll/database';
import { forbidden } from '@atoll/matrix';
import { describe, expect, it } from '@jest/globals';
import { toMatrixError } from './to-matrix-error.js';

describe('what a client is told about an error', () => {
  it('says of a database that is away that it passes', () => {
    for (const error of [new DatabaseUnavailable('none'), new CommitInDoubt('lost')]) {
      expect(toMatrixError(error)).toMatchObject({
        status: 503,
        errcode: 'M_LIMIT_EXCEEDED',
        extra: { retry_after_ms: 1000 },
      });
    }
  });

  it('says of a search that took too long that it may be tried again', () => {
    expect(toMatrixError(new ReadTookTooLong('slow'))).toMatchObject({
      status: 503,
      errcode: 'M_LIMIT_EXCEEDED',
      extra: { retry_after_ms: 10_000 },
    });
  });

  it('tells nothing of the inside of an unknown error, and passes Matrix errors on', () => {
    const error = toMatrixError(new Error('secret'));
    expect(error).toMatchObject({ status: 500, errcode: 'M_UNKNOWN' });
    expect(error.message).not.toContain('secret');
    const refusal = forbidden('no');
    expect(toMatrixError(refusal)).toBe(refusal);
  });
});
