import type { StreamPositions } from '@atoll/database';
import type { AnsweredMembers, SyncingDevice } from '../sync/rooms/sent-members.js';
import type { SlidingRequest } from './sliding-request.js';

/** What holds for all of one answer. */
export interface SlidingContext {
  readonly request: SlidingRequest;
  /** How far the client is; undefined for a first request. */
  readonly since: StreamPositions | undefined;
  /** Nothing newer is read. */
  readonly to: StreamPositions;
  readonly ignored: ReadonlySet<string>;
  readonly members: AnsweredMembers;
}

/** Who is told which members: each connection of a device for itself. */
export function listenerOf({ userId, deviceId, connId }: SlidingRequest): SyncingDevice {
  return { userId, deviceId, connection: connId };
}

/** Whether rooms come with what is unread there: the proposal has no counts any more, older clients want them. */
export function tellsCounts({ dialect }: Pick<SlidingRequest, 'dialect'>): boolean {
  return dialect === 'unstable';
}
