import { MatrixError } from '@atoll/matrix';

/** The instance that was asked runs a release that does not know this version of the command. */
export class UnsupportedVersion extends MatrixError {
  constructor(
    readonly pattern: string,
    /** The versions that it knows, so that the caller may ask again in an older one. */
    readonly supported: readonly number[],
  ) {
    super(503, 'M_LIMIT_EXCEEDED', 'The server is being upgraded, try again later', {
      retry_after_ms: 1_000,
    });
  }
}
