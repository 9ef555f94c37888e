import { UserDirectoryReader } from '@atoll/database';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject } from '@atoll/matrix';
import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { z } from 'zod';
import { textSchema } from '../auth/text.schema.js';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';
import { UserDirectoryKeeper } from './user-directory-keeper.js';

const MAX_TERM = 255;
const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 50;

const bodySchema = z.object({
  search_term: textSchema(MAX_TERM),
  limit: z
    .number()
    .int()
    .positive()
    .default(DEFAULT_LIMIT)
    .transform((limit) => Math.min(limit, MAX_LIMIT)),
});

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3user_directorysearch */
@Controller('_matrix/client/v3/user_directory/search')
export class SearchUserDirectoryController {
  constructor(
    private readonly keeper: UserDirectoryKeeper,
    private readonly directory: UserDirectoryReader,
  ) {}

  @Post()
  @HttpCode(200)
  @AccessToken()
  @RateLimited('lookup')
  async searchUserDirectory(
    @Requester() { userId }: UserRequester,
    @Body({ schema: bodySchema }) { search_term, limit }: z.output<typeof bodySchema>,
  ): Promise<JsonObject> {
    await this.keeper.catchUp();
    const found = await this.directory.find(userId, search_term, limit + 1);
    const results = found.slice(0, limit).map(({ userId, displayName, avatarUrl }) => ({
      user_id: userId,
      ...(displayName !== null && { display_name: displayName }),
      ...(avatarUrl !== null && { avatar_url: avatarUrl }),
    }));
    return { results, limited: found.length > limit };
  }
}
