import { DeviceListReader, type JoinedRooms, SharedRoomReader, type StreamPositions } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';

/** Whose devices a client must ask for anew, and whose it need not follow any more. */
export interface DeviceLists {
  readonly changed: readonly UserId[];
  readonly left: readonly UserId[];
}

/** Tells clients which users' devices they have to look at again. */
@Injectable()
export class DeviceListChanges {
  constructor(
    private readonly lists: DeviceListReader,
    private readonly sharedRooms: SharedRoomReader,
  ) {}

  /**
   * What changed after `since` up to `to`, which is visible. A user is told as changed who shares a room then and whose list changed, or who
   * did not share one all the time since; as left, who shared one at `since` and does not at `to`.
   * @see https://spec.matrix.org/v1.19/client-server-api/#e2e-extensions-to-sync
   */
  async between(
    userId: UserId,
    rooms: JoinedRooms,
    since: StreamPositions,
    to: StreamPositions,
  ): Promise<DeviceLists> {
    const [changed, sharing] = await Promise.all([
      since.device_lists < to.device_lists
        ? this.lists.changed(userId, rooms.joined, since.device_lists, to.device_lists)
        : [],
      since.events < to.events
        ? this.sharedRooms.changes(userId, rooms, { from: since.events, to: to.events })
        : { joined: [], left: [] },
    ]);
    const left = new Set(sharing.left);
    const all = new Set([...changed, ...sharing.joined]);
    return { changed: [...all].filter((user) => !left.has(user)), left: [...left] };
  }
}
