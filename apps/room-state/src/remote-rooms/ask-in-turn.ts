import type { SendResult } from '@atoll/federation-client';
import { INVITE_BLOCKED, MatrixError, notFound, type ServerName } from '@atoll/matrix';

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
/** Of a room version's name. @see https://spec.matrix.org/v1.19/rooms/ */
const MAX_VERSION = 32;

/** The body of a good answer. @throws NoHelp with what clients may see of any other */
export function helpIn<Body>(result: SendResult<Body>): Body {
  switch (result.outcome) {
    case 'answered':
      return result.body;
    case 'failed':
      throw new NoHelp(result.error);
    case 'refused': {
      const { error, room_version: version } = result.body;
      const message =
        typeof error === 'string' ? error.slice(0, MAX_MESSAGE).toWellFormed() : 'The other server refused';
      const passed = passedOn(result);
      if (!passed) throw new NoHelp(new MatrixError(502, 'M_UNKNOWN', message));
      const isVersion = typeof version === 'string' && version.length <= MAX_VERSION;
      throw new NoHelp(new MatrixError(...passed, message, isVersion ? { room_version: version } : {}));
    }
  }
}

/** The second is its name from before the specification had it. */
const INVITE_BLOCKED_CODES = [INVITE_BLOCKED, 'ORG.MATRIX.MSC4155.INVITE_BLOCKED'];
const PASSED_ON = ['M_INCOMPATIBLE_ROOM_VERSION', 'M_UNABLE_TO_AUTHORISE_JOIN', 'M_UNABLE_TO_GRANT_JOIN'];

/**
 * The refusals that clients are told of. Any other status is the peer's own trouble, and so is a request that it cannot read; what an
 * error code may make a client do, such as ending its session, is not another server's to say.
 */
function passedOn({ status, errcode }: { status: number; errcode: string }): [number, string] | undefined {
  if (PASSED_ON.includes(errcode)) return [400, errcode];
  if (status === 403) return [403, INVITE_BLOCKED_CODES.includes(errcode) ? INVITE_BLOCKED : 'M_FORBIDDEN'];
  return status === 404 ? [404, 'M_NOT_FOUND'] : undefined;
}

/** @throws NoHelp */
export function unusable(server: ServerName, what: string): NoHelp {
  return new NoHelp(new MatrixError(502, 'M_UNKNOWN', `The server ${server} gave no usable answer: ${what}`));
}
