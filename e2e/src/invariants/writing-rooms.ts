import type { Cluster, RoomLog, ServiceProcess, TestUser } from '@atoll/testing';

/** Creates rooms until each room-state instance owns at least two of them. */
export async function roomsOfBothOwners(user: TestUser, log: RoomLog): Promise<string[]> {
  const roomIds: string[] = [];
  const owned = new Map<string, number>();
  while (owned.size < 2 || [...owned.values()].some((count) => count < 2)) {
    if (roomIds.length > 40) throw new Error(`one instance owns nothing: ${JSON.stringify([...owned])}`);
    const roomId = await user.createRoom({ preset: 'public_chat' });
    const owner = (await log.owner(roomId)) ?? 'nobody';
    owned.set(owner, (owned.get(owner) ?? 0) + 1);
    roomIds.push(roomId);
  }
  return roomIds;
}

/** The process that owns the room's partition; leases name a process by its service and instance. */
export async function ownerOf(cluster: Cluster, log: RoomLog, roomId: string): Promise<ServiceProcess> {
  const owner = await log.owner(roomId);
  const found = cluster
    .instances('room-state')
    .find(({ instanceId }) => owner === `room-state-${instanceId}`);
  if (!found) throw new Error(`${String(owner)} owns ${roomId}`);
  return found;
}
