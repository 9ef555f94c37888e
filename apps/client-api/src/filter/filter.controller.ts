import { createHash } from 'node:crypto';
import { jsonObjectSchema, userIdSchema } from '@atoll/contract';
import { type Database, FilterReader, FilterTransactor } from '@atoll/database';
import { AccessToken, Requester } from '@atoll/http';
import { type JsonObject, type UserId, forbidden, notFound, resourceLimit, tooLarge } from '@atoll/matrix';
import { Body, Controller, Get, Inject, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import type { RequesterInfo } from '../auth/requester-info.js';
import { DATABASE } from '../platform/tokens.js';
import { filterSchema } from '../sync/sync-filter.js';

const MAX_FILTERS = 1000;
/** A filter is matched against every event of a sync. */
const MAX_FILTER_BYTES = 65_536;
const userParams = z.object({ userId: userIdSchema });
const filterParams = z.object({ userId: userIdSchema, filterId: z.string() });

/** A filter that is valid, left as it was sent. */
const storedFilterSchema = jsonObjectSchema.superRefine((body, context) => {
  for (const { message, path } of filterSchema.safeParse(body).error?.issues ?? []) {
    context.addIssue({ code: 'custom', message, path });
  }
});

/** @see https://spec.matrix.org/v1.19/client-server-api/#filtering */
@Controller('/_matrix/client/v3/user/:userId/filter')
@AccessToken()
export class FilterController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly filters: FilterReader,
  ) {}

  @Post()
  async defineFilter(
    @Requester() requester: RequesterInfo,
    @Param({ schema: userParams }) { userId }: z.output<typeof userParams>,
    @Body({ schema: storedFilterSchema }) body: JsonObject,
  ) {
    requireOwner(requester, userId);
    if (Buffer.byteLength(JSON.stringify(body)) > MAX_FILTER_BYTES) {
      throw tooLarge(`A filter has at most ${MAX_FILTER_BYTES} bytes`);
    }
    const filterId = filterIdOf(body);
    if ((await this.filters.find(userId, filterId)) !== undefined) return { filter_id: filterId };
    if ((await this.filters.count(userId)) >= MAX_FILTERS) {
      throw resourceLimit(`A user has at most ${MAX_FILTERS} filters`);
    }
    await this.database.db
      .transaction()
      .execute((trx) => new FilterTransactor(trx).store(userId, filterId, body));
    return { filter_id: filterId };
  }

  @Get(':filterId')
  async getFilter(
    @Requester() requester: RequesterInfo,
    @Param({ schema: filterParams }) { userId, filterId }: z.output<typeof filterParams>,
  ): Promise<JsonObject> {
    requireOwner(requester, userId);
    const filter = filterId.includes('\0') ? undefined : await this.filters.find(userId, filterId);
    if (!filter) throw notFound('Filter not found');
    return filter;
  }
}

/** The same filter has the same id, so that clients which upload theirs at each start do not pile them up. */
function filterIdOf(filter: JsonObject): string {
  return createHash('sha256').update(JSON.stringify(filter)).digest('base64url').slice(0, 22);
}

function requireOwner(requester: RequesterInfo, userId: UserId): void {
  if (requester.userId !== userId) throw forbidden("These are somebody else's filters");
}
