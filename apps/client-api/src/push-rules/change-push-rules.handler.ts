import { type JsonObject, resourceLimit, type UserId } from '@atoll/matrix';
import type { StoredPushRules } from '@atoll/push-rules';
import { Injectable } from '@nestjs/common';
import { PutAccountDataHandler } from '../account-data/put-account-data.handler.js';
import { PUSH_RULES } from './push-rules-content.js';

/** Every event in every room of the user is tried on them, and every change is told whole. */
const MAX_RULES = 2000;
const MAX_BYTES = 256 * 1024;

/** Changes a user's push rules. They are account data, so that their changes have a place in the stream that sync reads. */
@Injectable()
export class ChangePushRulesHandler {
  constructor(private readonly accountData: PutAccountDataHandler) {}

  /**
   * `change` is given what is stored and gives what is to be, or undefined to leave it; nobody else changes it in between. What comes out
   * the same is not written.
   * @throws MatrixError 403 M_RESOURCE_LIMIT_EXCEEDED
   */
  async change(
    userId: UserId,
    change: (stored: StoredPushRules) => StoredPushRules | undefined,
  ): Promise<void> {
    await this.accountData.update(userId, '', PUSH_RULES, (content = {}) => {
      const changed = change(content);
      if (changed === undefined) return undefined;
      const json = JSON.stringify(changed);
      if (json === JSON.stringify(content)) return undefined;
      const rules = Object.values(changed.own ?? {}).reduce((count, { length }) => count + length, 0);
      if (rules > MAX_RULES || Buffer.byteLength(json) > MAX_BYTES) {
        throw resourceLimit('There are too many push rules');
      }
      return changed as unknown as JsonObject;
    });
  }
}
