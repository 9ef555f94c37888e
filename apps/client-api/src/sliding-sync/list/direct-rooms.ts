import { AccountDataReader } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';

/** Which rooms the user takes for direct messages. @see https://spec.matrix.org/v1.19/client-server-api/#direct-messaging */
@Injectable()
export class DirectRooms {
  constructor(private readonly accountData: AccountDataReader) {}

  /** Their ids, as the user's account data has them. */
  async of(userId: UserId): Promise<Set<string>> {
    const direct = await this.accountData.find(userId, '', 'm.direct');
    const rooms = Object.values(direct ?? {}).flatMap((ofUser) => (Array.isArray(ofUser) ? ofUser : []));
    return new Set(rooms.filter((roomId) => typeof roomId === 'string'));
  }
}
