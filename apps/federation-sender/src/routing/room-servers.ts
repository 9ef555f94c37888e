import type { RoomServersChange, RoomServersHistory } from '@atoll/database';
import {
  isJsonObject,
  isServerName,
  type JsonObject,
  type JsonValue,
  type ServerName,
  serverNameOf,
} from '@atoll/matrix';
import { isServerAllowed } from '@atoll/room-rules';

/** How a change of one user's membership looks from outside. */
export interface MembershipStep {
  readonly server: ServerName;
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
}

/**
 * The servers that have joined users in a room, and the server ACL, at one position of its timeline. It is counted once, and from then on
 * follows the changes: nobody counts 10,000 members again because one more has joined.
 */
export class RoomServers {
  readonly #joined: Map<ServerName, number>;
  readonly #allowed = new Map<ServerName, boolean>();
  #serverAcl: JsonObject | undefined;

  /** What is known of now, with everything undone that has happened since the position in question. */
  constructor({ joined, serverAcl, changes }: RoomServersHistory) {
    this.#joined = new Map(joined);
    this.#serverAcl = contentOf(serverAcl);
    for (const { userId, before, after } of changes) this.#change(userId, after, before);
  }

  get size(): number {
    return this.#joined.size;
  }

  has(server: ServerName): boolean {
    return this.#joined.has(server);
  }

  /** Joined users of a server. */
  usersOf(server: ServerName): number {
    return this.#joined.get(server) ?? 0;
  }

  /** The servers in the room, those that the server ACL denies too. */
  joined(): Iterable<ServerName> {
    return this.#joined.keys();
  }

  /** Whether the server ACL lets the server take part; names that are none belong to nobody. */
  allows(server: ServerName): boolean {
    let allowed = this.#allowed.get(server);
    if (allowed === undefined) {
      allowed = isServerName(server) && isServerAllowed(this.#serverAcl, server);
      this.#allowed.set(server, allowed);
    }
    return allowed;
  }

  /** The servers in the room that the server ACL allows. */
  *allowed(): Iterable<ServerName> {
    for (const server of this.#joined.keys()) if (this.allows(server)) yield server;
  }

  /** Goes on to the position of the change. @returns the step, when it is of a membership */
  apply({ userId, before, after }: RoomServersChange): MembershipStep | undefined {
    return this.#change(userId, before, after);
  }

  #change(
    userId: RoomServersChange['userId'],
    from: string | null,
    to: string | null,
  ): MembershipStep | undefined {
    if (userId === null) {
      this.#serverAcl = contentOf(to);
      this.#allowed.clear();
      return undefined;
    }
    const server = serverNameOf(userId);
    const [before, after] = [contentOf(from)?.['membership'], contentOf(to)?.['membership']];
    const users = (this.#joined.get(server) ?? 0) - Number(before === 'join') + Number(after === 'join');
    if (users > 0) this.#joined.set(server, users);
    else {
      this.#joined.delete(server);
      this.#allowed.delete(server);
    }
    return { server, before, after };
  }
}

function contentOf(json: string | null): JsonObject | undefined {
  if (json === null) return undefined;
  const { content } = JSON.parse(json) as JsonObject;
  return isJsonObject(content) ? content : {};
}
