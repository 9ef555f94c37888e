import type { CrossSigningUsage } from '@atoll/database';
import type { JsonObject, UserId } from '@atoll/matrix';

const FIELDS = ['device_keys', 'master_keys', 'self_signing_keys', 'user_signing_keys'] as const;
type Field = (typeof FIELDS)[number];

/** The answer while it grows. Users become text one by one: keys of a thousand would else hold the event loop while they are serialised. */
export class QueryKeysBody {
  private readonly entries: Readonly<Record<Field, string[]>> = {
    device_keys: [],
    master_keys: [],
    self_signing_keys: [],
    user_signing_keys: [],
  };

  /** @param devices by device id */
  addDevices(userId: UserId, devices: Readonly<Record<string, JsonObject>>): void {
    this.add('device_keys', userId, devices);
  }

  addKey(userId: UserId, usage: CrossSigningUsage, key: JsonObject): void {
    this.add(`${usage}_keys`, userId, key);
  }

  /** JSON of the answer. */
  toString(failures: JsonObject): string {
    const fields = FIELDS.map((field) => `"${field}":{${this.entries[field].join(',')}}`);
    return `{${fields.join(',')},"failures":${JSON.stringify(failures)}}`;
  }

  private add(field: Field, userId: UserId, value: object): void {
    this.entries[field].push(`${JSON.stringify(userId)}:${JSON.stringify(value)}`);
  }
}
