import type { OutgoingEventReader } from '@atoll/database';
import { LRUCache } from 'lru-cache';
import { RoomServers } from './room-servers.js';

/** Servers over all rooms that are kept; each takes about 200 bytes. */
const MAX_SERVERS = 250_000;

/** The rooms that events were sent to lately. */
export class RoomServersCache {
  readonly #rooms = new LRUCache<number, RoomServers>({
    maxSize: MAX_SERVERS,
    sizeCalculation: ({ size }) => size + 5,
  });

  constructor(private readonly events: Pick<OutgoingEventReader, 'roomServersSince'>) {}

  /** The room at the position that the stream was followed to, if it is kept. */
  get(roomNid: number): RoomServers | undefined {
    return this.#rooms.get(roomNid);
  }

  /** Counts the servers in a room as they were at a position; it must be moved on from there. */
  async load(roomNid: number, position: number): Promise<RoomServers> {
    const room = new RoomServers(await this.events.roomServersSince(roomNid, position));
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
