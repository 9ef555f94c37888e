import type { JsonObject } from '@atoll/matrix';
import type { ToldKeys } from '../keys/news/key-news.js';
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
  private presence: readonly JsonObject[] = [];
  private toDevice: readonly JsonObject[] = [];
  private keys: ToldKeys = { body: {}, isNews: false };

  constructor(private readonly nextBatch: string) {}

  get isEmpty(): boolean {
    const told = this.sections.size + this.accountData.length + this.presence.length + this.toDevice.length;
    return told === 0 && !this.keys.isNews;
  }

  addAccountData(events: readonly JsonObject[]): void {
    this.accountData = events;
  }

  addPresence(events: readonly JsonObject[]): void {
    this.presence = events;
  }

  addToDevice(events: readonly JsonObject[]): void {
    this.toDevice = events;
  }

  addKeys(keys: ToldKeys): void {
    this.keys = keys;
  }

  addRoom({ section, roomId, body }: RoomSection): void {
    this.add(section, roomId, body);
  }

  addStripped({ section, roomId, events }: StrippedRoom): void {
    this.add(section, roomId, { [`${section}_state`]: { events: [...events] } });
  }

  /** JSON of the answer; sections with nothing in them are absent, but for the counts of keys. */
  toString(): string {
    const fields = [`"next_batch":${JSON.stringify(this.nextBatch)}`];
    for (const [name, value] of Object.entries(this.keys.body))
      fields.push(`"${name}":${JSON.stringify(value)}`);
    if (this.accountData.length > 0) {
      fields.push(`"account_data":${JSON.stringify({ events: this.accountData })}`);
    }
    if (this.presence.length > 0) fields.push(`"presence":${JSON.stringify({ events: this.presence })}`);
    if (this.toDevice.length > 0) fields.push(`"to_device":${JSON.stringify({ events: this.toDevice })}`);
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
