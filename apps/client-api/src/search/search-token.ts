import { invalidParam, type UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { TokenSeal } from '../platform/token-seal.js';

const tokenSchema = z.object({
  /** No match behind this position: what came later would move the pages. */
  until: z.int(),
  /** Of matches in the order of their rank: the rank and position of the last one that was shown. */
  after: z.tuple([z.number(), z.int()]).optional(),
  /** As the first page told it. */
  count: z.int().nonnegative(),
  /** The group that is paged through. */
  group: z.tuple([z.enum(['room_id', 'sender']), z.string().max(255)]).optional(),
});
/** Where a page of results goes on. Everything in it is judged again when it is used. */
export type SearchToken = z.output<typeof tokenSchema>;

const PREFIX = 's2_';

/** Gives tokens that only the server reads: where a page ends may be where a match is that the user must not know of. */
@Injectable()
export class SearchTokens {
  constructor(private readonly seal: TokenSeal) {}

  encode(viewer: UserId, token: SearchToken): string {
    return PREFIX + this.seal.seal(JSON.stringify(token), contextOf(viewer));
  }

  /** @throws MatrixError 400 for what this server did not give to the user */
  decode(viewer: UserId, text: string): SearchToken {
    const opened = text.startsWith(PREFIX)
      ? this.seal.open(text.slice(PREFIX.length), contextOf(viewer))
      : undefined;
    if (opened === undefined) throw invalidParam('next_batch: not a token of a search');
    return tokenSchema.parse(JSON.parse(opened));
  }
}

function contextOf(viewer: UserId): string {
  return `search ${viewer}`;
}
