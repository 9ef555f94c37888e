import { path, type TestUser } from '@atoll/testing';
import { eventually } from './eventually.js';

/** What a room's state is for a user: type, key and event id, in order. */
export async function stateOf(user: TestUser, roomId: string): Promise<string[]> {
  const { body } = await user.request('GET', path`/v3/rooms/${roomId}/state`);
  const events = body as unknown as { type: string; state_key: string; event_id: string }[];
  if (!Array.isArray(events)) return [];
  return events.map(({ type, state_key, event_id }) => `${type}|${state_key} ${event_id}`).sort();
}

/** The state for one user, once it is the same for the other, or after a while: the test compares. */
export async function commonState(one: TestUser, other: TestUser, roomId: string, withinMs?: number) {
  const isSame = ([a, b]: string[][]) => a?.length !== 0 && JSON.stringify(a) === JSON.stringify(b);
  const look = () => Promise.all([stateOf(one, roomId), stateOf(other, roomId)]);
  return eventually(look, isSame, withinMs);
}

/** The membership of somebody as a user sees it; undefined where the user sees none. */
export async function membershipOf(
  user: TestUser,
  roomId: string,
  userId: string,
): Promise<string | undefined> {
  const { status, body } = await user.request('GET', path`/v3/rooms/${roomId}/state/m.room.member/${userId}`);
  return status === 200 ? String(body['membership']) : undefined;
}

/** The texts of a room's messages for a user, the oldest first, from the whole history that the user can reach. */
export async function saidIn(user: TestUser, roomId: string): Promise<string[]> {
  const history = await user.history(roomId);
  return history.flatMap(({ content }) => (content['body'] as string | undefined) ?? []).reverse();
}

/** The texts of {@link saidIn}, of each sender in their order. */
export async function saidBySender(user: TestUser, roomId: string): Promise<Record<string, string[]>> {
  const said: Record<string, string[]> = {};
  for (const { sender, content } of (await user.history(roomId)).reverse()) {
    if (typeof content['body'] === 'string') (said[sender] ??= []).push(content['body']);
  }
  return said;
}
