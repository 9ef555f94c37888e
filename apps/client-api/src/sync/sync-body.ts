import type { JsonObject } from '@atoll/matrix';
import type { RoomSection } from './rooms/room-sections.js';
import type { StrippedRoom } from './rooms/stripped-rooms.js';

type SectionName = 'join' | 'invite' | 'knock' | 'leave';

/**
 * The answer while it grows. Rooms become text one by one: the first sync of a large account would else hold the event loop while
 * it is serialised whole.
 */
export class SyncBody {
  private readonly sections = new Map<SectionName, string[]>();
  private accountData: readonly JsonObject[] = [];

  constructor(private readonly nextBatch: string) {}

  get isEmpty(): boolean {
    return this.sections.size === 0 && this.accountData.length === 0;
  }

  addAccountData(events: readonly JsonObject[]): void {
    this.accountData = events;
  }

  addRoom({ section, roomId, body }: RoomSection): void {
    this.add(section, roomId, body);
  }

  addStripped({ section, roomId, events }: StrippedRoom): void {
    this.add(section, roomId, { [`${section}_state`]: { events: [...events] } });
  }

  /** JSON of the answer; sections with nothing in them are absent. */
  toString(): string {
    const fields = [`"next_batch":${JSON.stringify(this.nextBatch)}`];
    if (this.accountData.length > 0) {
      fields.push(`"account_data":${JSON.stringify({ events: this.accountData })}`);
    }
    if (this.sections.size > 0) {
      const rooms = Array.from(this.sections, ([name, entries]) => `"${name}":{${entries.join(',')}}`);
      fields.push(`"rooms":{${rooms.join(',')}}`);
    }
    return `{${fields.join(',')}}`;
  }

  private add(section: SectionName, roomId: string, body: JsonObject): void {
    const entry = `${JSON.stringify(roomId)}:${JSON.stringify(body)}`;
    const entries = this.sections.get(section);
    if (entries) entries.push(entry);
    else this.sections.set(section, [entry]);
  }
}
