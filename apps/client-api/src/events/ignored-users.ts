import { AccountDataReader, type StoredEvent } from '@atoll/database';
import { isJsonObject, type UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';

/** @see https://spec.matrix.org/v1.19/client-server-api/#ignoring-users */
@Injectable()
export class IgnoredUsers {
  constructor(private readonly accountData: AccountDataReader) {}

  async of(userId: UserId): Promise<Set<string>> {
    const list = await this.accountData.find(userId, '', 'm.ignored_user_list');
    const users = list?.['ignored_users'];
    return new Set(isJsonObject(users) ? Object.keys(users) : []);
  }
}

/** State events of ignored users are told, so that rooms look the same to everyone. */
export function isIgnored({ pdu }: StoredEvent, ignored: ReadonlySet<string>): boolean {
  return pdu.state_key === undefined && ignored.has(pdu.sender);
}
