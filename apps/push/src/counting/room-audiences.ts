import type { RoomAudienceReader } from '@atoll/database';
import type { ServerName } from '@atoll/matrix';
import { LRUCache } from 'lru-cache';
import { RoomAudience } from './room-audience.js';

/** Users over all rooms that are kept; each takes about 200 bytes. */
const MAX_USERS = 250_000;

/** The rooms in which something happened lately, as of the position up to which the stream was followed. */
export class RoomAudiences {
  readonly #rooms = new LRUCache<number, RoomAudience>({
    maxSize: MAX_USERS,
    sizeCalculation: ({ size }) => size + 5,
  });

  constructor(
    private readonly reader: RoomAudienceReader,
    private readonly serverName: ServerName,
  ) {}

  /** The room, as it was at the position if it is not kept; it must be moved on from there. */
  async at(roomNid: number, position: number): Promise<RoomAudience> {
    const known = this.#rooms.get(roomNid);
    if (known) return known;
    const room = new RoomAudience(await this.reader.at(roomNid, position), this.serverName);
    this.#rooms.set(roomNid, room);
    return room;
  }

  forget(roomNid: number): void {
    this.#rooms.delete(roomNid);
  }

  clear(): void {
    this.#rooms.clear();
  }
}
