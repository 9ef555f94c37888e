import { stateName, type Person } from '../person.js';

/** `granter` gives `receiver` a power level; resolves when the receiver's server knows it. */
export async function powerOf(
  roomId: string,
  granter: Person,
  receiver: Person,
  level: number,
): Promise<void> {
  const content = await granter.user.state(roomId, 'm.room.power_levels');
  const users = { ...(content['users'] as Record<string, number> | undefined), [receiver.userId]: level };
  const eventId = await granter.user.setState(roomId, 'm.room.power_levels', { ...content, users });
  await receiver.sees(
    roomId,
    `${receiver.userId} at power level ${level}`,
    ({ state }) => state.get(stateName('m.room.power_levels'))?.event_id === eventId,
  );
}
