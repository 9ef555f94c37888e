import type { SendResult } from '@atoll/federation-client';
import { MatrixError, notFound, type ServerName } from '@atoll/matrix';

/** Thrown by an attempt when a server was of no help; the next one is asked. */
export class NoHelp extends Error {
  override readonly name = 'NoHelp';

  constructor(readonly error: MatrixError) {
    super(error.message);
  }
}

/**
 * Asks servers one after the other until one helps.
 * @throws MatrixError what the most telling of them said: one that refused tells more than one that could not be reached
 */
export async function askInTurn<T>(
  servers: readonly ServerName[],
  attempt: (server: ServerName) => Promise<T>,
): Promise<T> {
  let telling: MatrixError | undefined;
  for (const server of servers) {
    try {
      return await attempt(server);
    } catch (error) {
      if (!(error instanceof NoHelp)) throw error;
      if (!telling || (telling.status >= 500 && error.error.status < 500)) telling = error.error;
    }
  }
  throw telling ?? notFound('No server is known that could help');
}

const MAX_MESSAGE = 200;

/** The body of a good answer. @throws NoHelp with what clients may see of any other */
export function helpIn<Body>(result: SendResult<Body>): Body {
  switch (result.outcome) {
    case 'answered':
      return result.body;
    case 'failed':
      throw new NoHelp(result.error);
    case 'refused': {
      const { error, room_version: version } = result.body;
      const message = typeof error === 'string' ? error.slice(0, MAX_MESSAGE) : 'The other server refused';
      // Only refusals pass through: any other status is the peer's own trouble, and so is a request that it cannot read.
      const passes = result.status === 403 || result.status === 404 || PASSED_ON.includes(result.errcode);
      const extra = typeof version === 'string' ? { room_version: version } : {};
      throw new NoHelp(
        passes
          ? new MatrixError(result.status, result.errcode, message, extra)
          : new MatrixError(502, 'M_UNKNOWN', message),
      );
    }
  }
}

const PASSED_ON = ['M_INCOMPATIBLE_ROOM_VERSION', 'M_UNABLE_TO_AUTHORISE_JOIN', 'M_UNABLE_TO_GRANT_JOIN'];

/** @throws NoHelp */
export function unusable(server: ServerName, what: string): NoHelp {
  return new NoHelp(new MatrixError(502, 'M_UNKNOWN', `The server ${server} gave no usable answer: ${what}`));
}
