import {
  currentPositions,
  type Database,
  decodeToken,
  type StreamPositions,
  SyncMembershipReader,
} from '@atoll/database';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { Controller, Get, Inject, Query } from '@nestjs/common';
import { z } from 'zod';
import { DATABASE } from '../../platform/tokens.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';
import { DeviceListChanges } from '../news/device-list-changes.js';

const tokenSchema = z.string().transform((token, context): StreamPositions => {
  const positions = decodeToken(token);
  if (positions !== undefined) return positions;
  context.addIssue({ code: 'custom', message: 'not a token of this server' });
  return z.NEVER;
});
const querySchema = z.object({ from: tokenSchema, to: tokenSchema });

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3keyschanges */
@Controller('/_matrix/client/v3/keys/changes')
@AccessToken()
export class GetKeysChangesController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly memberships: SyncMembershipReader,
    private readonly lists: DeviceListChanges,
  ) {}

  @Get()
  @RateLimited('keys')
  async getKeysChanges(
    @Requester() { userId }: UserRequester,
    @Query({ schema: querySchema }) { from, to }: z.output<typeof querySchema>,
  ) {
    const now = await currentPositions(this.database.db);
    const end = {
      ...now,
      // What is not visible yet would be missed for good.
      events: Math.min(to.events, now.events),
      // Of each list only the newest change is known: one that changed again after `to` is told too.
      device_lists: Number.MAX_SAFE_INTEGER,
    };
    const memberships = await this.memberships.membershipsAt(userId, end.events);
    const joined = memberships.flatMap(({ membership, roomNid }) => (membership === 'join' ? [roomNid] : []));
    return this.lists.between(userId, { joined, stirred: joined }, from, end);
  }
}
