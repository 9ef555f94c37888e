import { matchesGlob } from './glob.js';
import type { ServerName, UserId } from './ids.js';
import type { JsonObject, JsonValue } from './json.js';
import { serverNameOf } from './parse-ids.js';

/** What a user wants to happen to an invite: it is shown, it is taken and not shown, or it is refused. */
export type InviteVerdict = 'allow' | 'ignore' | 'block';

const BLOCKING = 'm.invite_permission_config';
const FILTERS = 'org.matrix.msc4155.invite_permission_config';
/** The types of global account data that say so. */
export const INVITE_PERMISSION_TYPES: readonly string[] = [BLOCKING, FILTERS];

/** In the order in which they count: what is said of a user outranks what is said of a server. */
const VERDICTS = [
  ['allowed', 'allow'],
  ['ignored', 'ignore'],
  ['blocked', 'block'],
] as const;

/** A longer one is no user id and no server name. */
const MAX_LENGTH = 255;
/** Of one list. Names without a wildcard cost next to nothing and are not counted. */
const MAX_GLOBS = 100;
const WILDCARD = /[*?]/;
const PORT = /:[0-9]+$/;

/**
 * What a user's account data says about invites by somebody.
 *
 * Beside blocking of all invites, the lists of MSC4155 count, which clients wrote before that was specified: `allowed_users`,
 * `ignored_users`, `blocked_users`, and the same of servers, each of globs. A server stands for all its ports.
 * @param accountData by type, of {@link INVITE_PERMISSION_TYPES}; what has a wrong form says nothing
 * @see https://spec.matrix.org/v1.19/client-server-api/#invite-permission
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/4155
 */
export function inviteVerdict(
  accountData: ReadonlyMap<string, JsonObject> | undefined,
  inviter: UserId,
): InviteVerdict {
  if (accountData?.get(BLOCKING)?.['default_action'] === 'block') return 'block';
  const filters = accountData?.get(FILTERS);
  if (filters === undefined || filters['enabled'] === false) return 'allow';
  return (
    verdictIn(filters, 'users', [inviter]) ??
    verdictIn(filters, 'servers', namesOf(serverNameOf(inviter))) ??
    'allow'
  );
}

const namesOf = (server: ServerName) => [server, server.replace(PORT, '')];

function verdictIn(
  filters: JsonObject,
  kind: 'users' | 'servers',
  names: readonly string[],
): InviteVerdict | undefined {
  const lowered = names.map((name) => name.toLowerCase());
  return VERDICTS.find(([list]) => matchesAny(filters[`${list}_${kind}`], lowered))?.[1];
}

function matchesAny(list: JsonValue | undefined, names: readonly string[]): boolean {
  if (!Array.isArray(list)) return false;
  let globs = 0;
  return list.some((entry) => {
    if (typeof entry !== 'string' || entry.length > MAX_LENGTH) return false;
    const glob = entry.toLowerCase();
    if (!WILDCARD.test(glob)) return names.includes(glob);
    return ++globs <= MAX_GLOBS && names.some((name) => matchesGlob(glob, name));
  });
}
