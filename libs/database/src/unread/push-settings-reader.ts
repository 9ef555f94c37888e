import { isJsonObject, type UserId } from '@atoll/matrix';
import {
  type NotifiedUser,
  notifiedUser,
  type PushRuleSettings,
  rulesetOf,
  type StoredPushRules,
} from '@atoll/push-rules';
import { AccountDataReader } from '../account/account-data-reader.js';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';

const PUSH_RULES = 'm.push_rules';
const IGNORED_USERS = 'm.ignored_user_list';

/** Reads what decides which events notify users. */
export class PushSettingsReader {
  private readonly accountData: AccountDataReader;

  constructor(
    private readonly database: Database,
    private readonly rules: PushRuleSettings,
  ) {
    this.accountData = new AccountDataReader(database);
  }

  /** The settings of all the users, the predefined ones where they have none. */
  async of(users: readonly UserId[]): Promise<Map<UserId, NotifiedUser>> {
    if (users.length === 0) return new Map();
    const stored = await this.accountData.globalOf(users, [PUSH_RULES, IGNORED_USERS]);
    return new Map(
      users.map((userId) => {
        const data = stored.get(userId);
        const rules = data?.get(PUSH_RULES) as StoredPushRules | undefined;
        const ignored = data?.get(IGNORED_USERS)?.['ignored_users'];
        return [
          userId,
          notifiedUser(
            userId,
            rulesetOf(userId, rules, this.rules),
            new Set(isJsonObject(ignored) ? Object.keys(ignored) : []),
          ),
        ];
      }),
    );
  }

  /** The next changes of users' settings after a position of the account data stream, in order. */
  async changedAfter(
    position: number,
    limit: number,
  ): Promise<{ readonly userId: UserId; readonly position: number }[]> {
    return this.database.db
      .selectFrom('account_data')
      .select(['user_id as userId', 'position'])
      .where('position', '>', position)
      .where('room_id', '=', '')
      .where('type', '=', anyOf([PUSH_RULES, IGNORED_USERS]))
      .orderBy('position')
      .limit(limit)
      .execute();
  }
}
