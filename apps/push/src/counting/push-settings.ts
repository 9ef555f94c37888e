import type { PushSettingsReader } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import type { NotifiedUser } from '@atoll/push-rules';
import { LRUCache } from 'lru-cache';

/** Users whose compiled rules are kept; with the predefined ones each takes some 5 KB. */
const MAX_USERS = 20_000;
const READ_AT_ONCE = 1_000;

/** What decides which events notify users, of those in whose rooms something happened lately. */
export class PushSettings {
  readonly #users = new LRUCache<UserId, NotifiedUser>({ max: MAX_USERS });

  /** @param position of the account data stream: changes after it are followed */
  constructor(
    private readonly reader: PushSettingsReader,
    private position: number,
  ) {}

  /** Forgets those that changed since the last time. */
  async refresh(): Promise<void> {
    let changes;
    do {
      changes = await this.reader.changedAfter(this.position, READ_AT_ONCE);
      for (const { userId, position } of changes) {
        this.#users.delete(userId);
        this.position = position;
      }
    } while (changes.length === READ_AT_ONCE);
  }

  async of(users: ReadonlySet<UserId>): Promise<Map<UserId, NotifiedUser>> {
    const settings = new Map<UserId, NotifiedUser>();
    const unknown: UserId[] = [];
    for (const userId of users) {
      const known = this.#users.get(userId);
      if (known) settings.set(userId, known);
      else unknown.push(userId);
    }
    for (let i = 0; i < unknown.length; i += READ_AT_ONCE) {
      for (const [userId, user] of await this.reader.of(unknown.slice(i, i + READ_AT_ONCE))) {
        this.#users.set(userId, user);
        settings.set(userId, user);
      }
    }
    return settings;
  }
}
