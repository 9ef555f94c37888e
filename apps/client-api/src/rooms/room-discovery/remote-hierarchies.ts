import { MatrixError, type RoomId, type ServerName } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { RemoteQuery } from '../../federation/remote-query.js';
import { readHierarchy, type RemoteHierarchy } from './remote-hierarchy.schema.js';

export interface RoomQuestion {
  readonly roomId: RoomId;
  /** Asked in this order; the first few count. */
  readonly servers: readonly ServerName[];
  readonly suggestedOnly: boolean;
  /** By `performance.now()`. */
  readonly deadline: number;
}

const MAX_SERVERS = 3;
const TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 1_048_576;
const MAX_REMEMBERED_BYTES = 16_777_216;
const MAX_SILENT = 10_000;
const REMEMBERED_MS = 60_000;
/** A server that let somebody wait in vain is not asked for so long: a space may have many rooms on it. */
const PAUSE_MS = 15_000;

/** Rooms that this server is not in, as other servers tell them. */
@Injectable()
export class RemoteHierarchies {
  /** Bounded by the length of the texts that the answers were read from. */
  private readonly recent = new LRUCache<string, RemoteHierarchy>({
    ttl: REMEMBERED_MS,
    maxSize: MAX_REMEMBERED_BYTES,
  });
  private readonly silent = new LRUCache<ServerName, true>({ ttl: PAUSE_MS, max: MAX_SILENT });

  constructor(private readonly remote: RemoteQuery) {}

  /** What the first server says that knows the room and tells it; undefined when there is none. */
  async ask({ servers, ...question }: RoomQuestion): Promise<RemoteHierarchy | undefined> {
    for (const server of servers.slice(0, MAX_SERVERS)) {
      const answer = await this.askOne(server, question);
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  /**
   * An answer is remembered with who gave it: what one server says of another's room must not reach those who ask that other one.
   */
  private async askOne(
    server: ServerName,
    { roomId, suggestedOnly, deadline }: Omit<RoomQuestion, 'servers'>,
  ): Promise<RemoteHierarchy | undefined> {
    const key = `${server} ${suggestedOnly} ${roomId}`;
    const known = this.recent.get(key);
    if (known !== undefined) return known;
    const timeoutMs = Math.min(TIMEOUT_MS, Math.ceil(deadline - performance.now()));
    if (timeoutMs <= 0 || this.silent.has(server)) return undefined;
    const path = `/_matrix/federation/v1/hierarchy/${encodeURIComponent(roomId)}?suggested_only=${suggestedOnly}`;
    try {
      const answer = await this.remote.ask(server, { path, maxBytes: MAX_ANSWER_BYTES, timeoutMs });
      const hierarchy = answer && readHierarchy(answer, roomId, suggestedOnly);
      if (hierarchy !== undefined) this.recent.set(key, hierarchy, { size: JSON.stringify(answer).length });
      return hierarchy;
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error;
      if (error.status === 504 && timeoutMs === TIMEOUT_MS) this.silent.set(server, true);
      return undefined;
    }
  }
}
