import type { Config } from '@atoll/config';
import { type StoredEvent, SyncTimelineReader } from '@atoll/database';
import { prevEventIds, serverNameOf } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/tokens.js';

/** Finds where timelines jump over what this server missed. */
@Injectable()
export class TimelineGaps {
  constructor(
    private readonly timelines: SyncTimelineReader,
    @Inject(CONFIG) private readonly config: Pick<Config, 'serverName'>,
  ) {}

  /** The nids of those of the events whose predecessors are not here, or came later as history: no timeline goes over them. */
  async behind(events: Iterable<StoredEvent>): Promise<Set<number>> {
    const suspects = [...events].filter((event) => this.mayFollowGap(event));
    if (suspects.length === 0) return new Set();
    return this.timelines.behindGaps(
      suspects.flatMap(({ roomNid, eventNid, pdu }) =>
        prevEventIds(pdu).map((prevEventId) => ({ roomNid, eventNid, prevEventId })),
      ),
    );
  }

  /** What users of this server do builds on what is here, but for joins by way of others. */
  private mayFollowGap({ pdu }: StoredEvent): boolean {
    return pdu.type === 'm.room.member' || serverNameOf(pdu.sender) !== this.config.serverName;
  }
}
