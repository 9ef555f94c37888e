import {
  ReceiptReader,
  type RoomStretch,
  type StreamPositions,
  UnreadCounter,
  UnreadStandingReader,
} from '@atoll/database';
import type { EventId, JsonObject, UserId } from '@atoll/matrix';
import { MAIN_TIMELINE, type UnreadCount } from '@atoll/push-rules';
import { Injectable } from '@nestjs/common';

/** Of one room. */
export interface UnreadNotifications {
  readonly total: JsonObject;
  /** What is in no thread. */
  readonly main: JsonObject;
  /** By the ids of roots, those in which something is unread. */
  readonly threads: Readonly<Record<EventId, JsonObject>>;
}

/** Says what users have not read. @see https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications */
@Injectable()
export class UnreadNotificationsLoader {
  constructor(
    private readonly counter: UnreadCounter,
    private readonly standings: UnreadStandingReader,
    private readonly receipts: ReceiptReader,
  ) {}

  /** What is unread of joined rooms as of a position, by room nid. The number of queries does not depend on how many rooms they are. */
  async load(
    userId: UserId,
    roomNids: readonly number[],
    upTo: number,
  ): Promise<Map<number, UnreadNotifications>> {
    const answers = await this.counter.answer(roomNids.map((roomNid) => ({ userId, roomNid, upTo })));
    const roots = await this.standings.eventIds(
      answers.flatMap(({ unread }) => [...unread.keys()].filter((thread) => thread !== MAIN_TIMELINE)),
    );
    return new Map(
      answers.map(({ roomNid, unread }) => {
        const threads = Array.from(unread).flatMap(([thread, count]): [string, UnreadCount][] => {
          const root = roots.get(thread);
          // Where the root was purged, no client could tell what there is to read.
          return root === undefined ? [] : [[root, count]];
        });
        const main = [unread.get(MAIN_TIMELINE)].filter((count) => count !== undefined);
        return [
          roomNid,
          {
            total: sum([...main, ...threads.map(([, count]) => count)]),
            main: sum(main),
            threads: Object.fromEntries(threads.map(([root, count]) => [root, sum([count])])),
          },
        ];
      }),
    );
  }

  /** Those of the rooms in whose stretches an event may have changed the user's counts. */
  changedRooms(userId: UserId, stretches: readonly RoomStretch[]): Promise<Set<number>> {
    return this.counter.changedRooms(userId, stretches);
  }

  /** Those of the rooms in which the user has read further since a position. */
  async readRooms(
    userId: UserId,
    roomNids: readonly number[],
    since: StreamPositions | undefined,
    to: StreamPositions,
  ): Promise<Set<number>> {
    if (since === undefined || since.receipts >= to.receipts) return new Set();
    return this.receipts.readRooms(userId, roomNids, since.receipts, to.receipts);
  }
}

/** The fields of a room's section. @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync */
export function unreadFields(
  unread: UnreadNotifications | undefined,
  { ofThreads }: { readonly ofThreads: boolean },
): JsonObject {
  if (unread === undefined) return {};
  if (!ofThreads) return { unread_notifications: unread.total };
  return {
    unread_notifications: unread.main,
    ...(Object.keys(unread.threads).length > 0 && { unread_thread_notifications: { ...unread.threads } }),
  };
}

function sum(counts: readonly UnreadCount[]): JsonObject {
  return {
    notification_count: counts.reduce((total, { notify }) => total + notify, 0),
    highlight_count: counts.reduce((total, { highlight }) => total + highlight, 0),
  };
}
