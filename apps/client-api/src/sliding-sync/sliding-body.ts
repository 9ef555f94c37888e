import type { JsonObject } from '@atoll/matrix';
import { jsonInTurns } from './json-in-turns.js';

/** The answer while it grows. Rooms become text piece by piece, so that a large answer does not hold the event loop while it is serialised. */
export class SlidingBody {
  private readonly rooms: string[] = [];
  private extensions: JsonObject = {};

  constructor(private readonly counts: ReadonlyMap<string, number>) {}

  /** Whether no room is told. */
  get hasNoRooms(): boolean {
    return this.rooms.length === 0;
  }

  async addRoom(roomId: string, body: JsonObject): Promise<void> {
    this.rooms.push(`${JSON.stringify(roomId)}:${await jsonInTurns(body)}`);
  }

  setExtensions(extensions: JsonObject): void {
    this.extensions = extensions;
  }

  /** JSON of the answer. */
  toString(pos: string): string {
    const lists = Object.fromEntries(Array.from(this.counts, ([name, count]) => [name, { count }]));
    const head = `"pos":${JSON.stringify(pos)},"lists":${JSON.stringify(lists)}`;
    return `{${head},"rooms":{${this.rooms.join(',')}},"extensions":${JSON.stringify(this.extensions)}}`;
  }
}
