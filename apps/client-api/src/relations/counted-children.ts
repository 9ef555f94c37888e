import { type CountedChildren, VisibilityReader } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { IgnoredUsers } from '../events/ignored-users.js';
import { visibleRanges } from '../events/visible-ranges.js';

/** Which children count for a viewer. */
@Injectable()
export class CountedChildrenOf {
  constructor(
    private readonly visibility: VisibilityReader,
    private readonly ignored: IgnoredUsers,
  ) {}

  async of(
    userId: UserId,
    roomNids: readonly number[],
    upTo = Number.MAX_SAFE_INTEGER,
  ): Promise<CountedChildren> {
    const [timelines, ignored] = await Promise.all([
      this.visibility.timelines(userId, roomNids),
      this.ignored.of(userId),
    ]);
    const visible = [...timelines].flatMap(([roomNid, ofRoom]) =>
      visibleRanges(ofRoom).map(({ from, to }) => ({ roomNid, from, to: Math.min(to, upTo) })),
    );
    return { userId, ignored: [...ignored], visible };
  }
}
