import { decodeToken } from '@atoll/database';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { invalidParam, type JsonObject } from '@atoll/matrix';
import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { decodeOlderChanges, encodeOlderChanges, type OlderChanges } from './older-changes-token.js';
import { DEFAULT_CHANGES, MAX_CHANGES } from './changes-limit.js';
import { ThreadSubscriptionChanges } from './thread-subscription-changes.js';

const querySchema = z.object({
  dir: z.literal('b'),
  from: z.string().optional(),
  to: z.string().optional(),
  limit: z.coerce
    .number()
    .int()
    .positive()
    .default(DEFAULT_CHANGES)
    .transform((limit) => Math.min(limit, MAX_CHANGES)),
});

/** Pages backwards through the changes that did not fit into an answer of sliding sync. */
@Controller('_matrix/client/unstable/io.element.msc4308/thread_subscriptions')
export class GetThreadSubscriptionsController {
  constructor(private readonly changes: ThreadSubscriptionChanges) {}

  /** @see proposals/4308-sliding-sync-ext-thread-subscriptions.md, "Companion endpoint" */
  @Get()
  @AccessToken()
  async getThreadSubscriptions(
    @Requester() { userId }: UserRequester,
    @Query({ schema: querySchema }) { from, to, limit }: z.output<typeof querySchema>,
  ): Promise<JsonObject> {
    const { upTo, isComplete } = from === undefined ? NEWEST : readFrom(from);
    const told = to === undefined ? 0 : readTo(to);
    const { body, olderUpTo } = await this.changes.page(userId, {
      after: isComplete ? 0 : told,
      upTo,
      limit,
    });
    return {
      ...body,
      ...(olderUpTo !== undefined && { end: encodeOlderChanges({ upTo: olderUpTo, isComplete }) }),
    };
  }
}

const NEWEST: OlderChanges = { upTo: Number.MAX_SAFE_INTEGER, isComplete: false };

function readFrom(token: string): OlderChanges {
  const older = decodeOlderChanges(token);
  if (older === undefined) throw invalidParam('from: not a token of this server');
  return older;
}

/** A `pos` of sliding sync: what it told of is not paged through. */
function readTo(pos: string): number {
  const positions = decodeToken(pos);
  if (positions === undefined) throw invalidParam('to: not a token of this server');
  return positions.thread_subscriptions;
}
