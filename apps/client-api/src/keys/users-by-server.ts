import { type ServerName, serverNameOf, type UserId } from '@atoll/matrix';

const DEFAULT_TIMEOUT_MS = 10_000;

/** How long other servers are waited for, whatever the client says. */
export function timeoutOf(asked: number | undefined): number {
  return Math.min(Math.max(asked ?? DEFAULT_TIMEOUT_MS, 0), DEFAULT_TIMEOUT_MS);
}

/** Users by their servers: those of this one, and the others. */
export function partByServer<T>(
  users: ReadonlyMap<UserId, T>,
  local: ServerName,
): { readonly ours: Map<UserId, T>; readonly theirs: Map<ServerName, Map<UserId, T>> } {
  const byServer = new Map<ServerName, Map<UserId, T>>();
  for (const [userId, wanted] of users) {
    const server = serverNameOf(userId);
    const ofServer = byServer.get(server);
    if (ofServer) ofServer.set(userId, wanted);
    else byServer.set(server, new Map([[userId, wanted]]));
  }
  const ours = byServer.get(local) ?? new Map<UserId, T>();
  byServer.delete(local);
  return { ours, theirs: byServer };
}

/** Users by their servers, without those who are known. */
export function withoutKnown<T>(
  servers: ReadonlyMap<ServerName, ReadonlyMap<UserId, T>>,
  known: ReadonlyMap<UserId, unknown>,
): Map<ServerName, Map<UserId, T>> {
  const left = Array.from(servers, ([server, users]): [ServerName, Map<UserId, T>] => {
    return [server, new Map([...users].filter(([userId]) => !known.has(userId)))];
  });
  return new Map(left.filter(([, users]) => users.size > 0));
}
