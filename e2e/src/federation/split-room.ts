import { expect } from '@jest/globals';
import { register, type FederatedServer, type TestUser } from '@atoll/testing';
import { commonState, membershipOf, saidBySender } from './across.js';
import { eventually } from './eventually.js';

/** The people of one of two servers that will not see each other. */
export interface Side {
  readonly server: FederatedServer;
  readonly name: string;
  /** Has every power in the room. */
  readonly admin: TestUser;
  /** A member whom the admin of the other side bans while this one speaks. */
  readonly speaker: TestUser;
  /** Joins while the sides do not see each other. */
  readonly newcomer: TestUser;
}

export async function openSide(server: FederatedServer, name: string): Promise<Side> {
  const [admin, speaker, newcomer] = await Promise.all(
    ['admin', 'speaker', 'newcomer'].map((role) => register(server.clientUrl, `${role}-${name}`)),
  );
  if (!admin || !speaker || !newcomer) throw new Error('three users were asked for');
  return { server, name, admin, speaker, newcomer };
}

/** What a message says who sent it, so that orders can be compared. */
type Said = Record<string, readonly string[]>;

/** Changes the power levels as they are. */
export async function changePower(user: TestUser, roomId: string, change: object): Promise<void> {
  const before = await user.state(roomId, 'm.room.power_levels');
  await user.setState(roomId, 'm.room.power_levels', { ...before, ...change });
}

/** A public room with both admins and both speakers in it; both sides have the same state. */
export async function openSharedRoom(here: Side, there: Side, version: string): Promise<string> {
  const roomId = await here.admin.createRoom({ preset: 'public_chat', room_version: version });
  const { users } = await here.admin.state(roomId, 'm.room.power_levels');
  const speakers = { [here.speaker.userId]: 50, [there.speaker.userId]: 50 };
  const powers = { ...(users as object), [there.admin.userId]: 100, ...speakers };
  await changePower(here.admin, roomId, { users: powers });
  await here.speaker.join(roomId);
  await joinThrough(there.admin, roomId, here.server);
  await there.speaker.join(roomId);
  await expectSameState(here, there, roomId);
  return roomId;
}

export async function joinThrough(user: TestUser, roomId: string, server: FederatedServer): Promise<void> {
  await user.expect('POST', `/v3/join/${encodeURIComponent(roomId)}?via=${server.serverName}`, {});
}

/**
 * What one side does without the other: its admin talks, sets the topic and a power level, and bans the speaker of the other
 * side; its own speaker talks and names the room; somebody joins and talks.
 * @returns what the admin and the newcomer said
 */
export async function actAlone(
  { name, admin, speaker, newcomer }: Side,
  other: Side,
  roomId: string,
  powerChange: object,
): Promise<Said> {
  const say = (user: TestUser, text: string) => user.send(roomId, `${name}: ${text}`);
  await say(admin, 'one');
  await say(speaker, 'before the ban is known');
  await admin.setState(roomId, 'm.room.topic', { topic: `as ${name} sees it` });
  await speaker.setState(roomId, 'm.room.name', { name: `of ${name}` });
  await changePower(admin, roomId, powerChange);
  await admin.ban(roomId, other.speaker.userId);
  await newcomer.join(roomId);
  await say(newcomer, 'new here');
  await say(speaker, 'still before the ban is known');
  await say(admin, 'two');
  return {
    [admin.userId]: [`${name}: one`, `${name}: two`],
    [newcomer.userId]: [`${name}: new here`],
  };
}

export async function expectSameState(here: Side, there: Side, roomId: string): Promise<void> {
  const [ofHere, ofThere] = await commonState(here.admin, there.admin, roomId);
  expect(ofThere).toEqual(ofHere);
  expect(ofHere).not.toEqual([]);
}

/** While the sides do not see each other: neither knows what the other said. */
export async function expectSplit(here: Side, there: Side, roomId: string): Promise<void> {
  expect((await saidBySender(here.admin, roomId))[there.admin.userId]).toBeUndefined();
  expect((await saidBySender(there.admin, roomId))[here.admin.userId]).toBeUndefined();
}

/** Both sides read each message exactly once, those of one sender in the order in which they were sent. */
export async function expectBothRead(here: Side, there: Side, roomId: string, said: Said): Promise<void> {
  for (const { admin } of [here, there]) {
    const look = async () => {
      const found = await saidBySender(admin, roomId);
      return Object.fromEntries(Object.keys(said).map((userId) => [userId, found[userId] ?? []]));
    };
    const fits = (found: Said) => JSON.stringify(found) === JSON.stringify(said);
    expect({ reader: admin.userId, found: await eventually(look, fits) }).toEqual({
      reader: admin.userId,
      found: said,
    });
  }
}

/**
 * Both sides have healed: one state, everything that was said, both bans in force, and nothing of what the banned did or said on
 * the other side. The room goes on.
 */
export async function expectHealed(here: Side, there: Side, roomId: string, said: Said): Promise<void> {
  await expectBothRead(here, there, roomId, said);
  await expectSameState(here, there, roomId);
  for (const [side, other] of [
    [here, there],
    [there, here],
  ] as const) {
    expect(await membershipOf(side.admin, roomId, side.speaker.userId)).toBe('ban');
    const read = await saidBySender(side.admin, roomId);
    expect(read[other.speaker.userId]).toBeUndefined();
    expect(read[side.speaker.userId]).toHaveLength(2);
    expect(
      (await side.admin.request('GET', `/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.name`)).status,
    ).toBe(404);
  }
  await here.admin.send(roomId, 'healed');
  await there.newcomer.send(roomId, 'healed');
  const after = {
    ...said,
    [here.admin.userId]: [...(said[here.admin.userId] ?? []), 'healed'],
    [there.newcomer.userId]: [...(said[there.newcomer.userId] ?? []), 'healed'],
  };
  await expectBothRead(here, there, roomId, after);
  await expectSameState(here, there, roomId);
}
