import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { uniqueName } from '@atoll/testing';
import {
  Direction,
  EventType,
  HistoryVisibility,
  JoinRule,
  Preset,
  RestrictedAllowType,
  RoomEvent,
  RoomType,
  Visibility,
  type ICreateRoomOpts,
} from 'matrix-js-sdk';
import { RoomHierarchy } from 'matrix-js-sdk/lib/room-hierarchy.js';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { SdkUser } from './sdk-user.js';

const { clientUrl, serverName } = sharedCluster();

let alice: SdkUser;
let bob: SdkUser;
beforeAll(async () => {
  [alice, bob] = await Promise.all([
    SdkUser.register(clientUrl, 'alice'),
    SdkUser.register(clientUrl, 'bob'),
  ]);
});
afterAll(() => {
  for (const user of [alice, bob]) user.stop();
});

/** A room of alice that her client knows. */
async function newRoom(options: ICreateRoomOpts = {}): Promise<string> {
  const { room_id: roomId } = await alice.client.createRoom(options);
  await alice.eventually('the room', () => alice.membership(roomId) === 'join');
  return roomId;
}

const withState = (type: string, content: object) => ({ type, state_key: '', content });
const stateOf = (user: SdkUser, roomId: string) =>
  user.room(roomId)?.getLiveTimeline().getState(Direction.Forward);
const becomes = (user: SdkUser, roomId: string, membership: string) =>
  user.eventually(membership, () => user.membership(roomId) === membership);

describe('rooms are entered', () => {
  test('by knocking, whose reason the members see', async () => {
    const rule = withState(EventType.RoomJoinRules, { join_rule: JoinRule.Knock });
    const roomId = await newRoom({ name: 'Club', initial_state: [rule] });
    await bob.client.knockRoom(roomId, { reason: 'let me in' });
    await becomes(bob, roomId, 'knock');
    expect(bob.room(roomId)?.name).toBe('Club');
    await alice.eventually('the knock', () => alice.membership(roomId, bob.userId) === 'knock');
    const knock = alice.room(roomId)?.getMember(bob.userId)?.events.member;
    expect(knock?.getContent()).toMatchObject({ reason: 'let me in' });
    await alice.client.invite(roomId, bob.userId);
    await becomes(bob, roomId, 'invite');
    await bob.client.joinRoom(roomId);
    await becomes(bob, roomId, 'join');
    expect(bob.room(roomId)?.getJoinRule()).toBe('knock');
  });

  test('by whoever is in the space that they name', async () => {
    const space = await newRoom({
      preset: Preset.PublicChat,
      creation_content: { type: RoomType.Space },
    });
    expect(alice.room(space)?.isSpaceRoom()).toBe(true);
    const allow = [{ type: RestrictedAllowType.RoomMembership, room_id: space }];
    const rule = withState(EventType.RoomJoinRules, { join_rule: JoinRule.Restricted, allow });
    const roomId = await newRoom({ initial_state: [rule] });
    await expect(bob.client.joinRoom(roomId)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    await bob.client.joinRoom(space);
    await bob.client.joinRoom(roomId);
    await becomes(bob, roomId, 'join');
    await alice.eventually('bob', () => alice.room(roomId)?.getJoinedMemberCount() === 2);
  });

  test('by an alias that the directory shows', async () => {
    const [name, local] = [uniqueName('Harbour'), uniqueName('harbour')];
    const roomId = await newRoom({
      name,
      topic: 'ships',
      room_alias_name: local,
      preset: Preset.PublicChat,
      visibility: Visibility.Public,
    });
    const alias = `#${local}:${serverName}`;
    expect(alice.room(roomId)?.getCanonicalAlias()).toBe(alias);
    const { chunk } = await bob.client.publicRooms({ filter: { generic_search_term: name } });
    expect(chunk).toMatchObject([{ room_id: roomId, canonical_alias: alias, topic: 'ships' }]);
    const other = `#${uniqueName('pier')}:${serverName}`;
    await alice.client.createAlias(other, roomId);
    expect((await alice.client.getLocalAliases(roomId)).aliases.toSorted()).toEqual(
      [alias, other].toSorted(),
    );
    expect((await bob.client.getRoomIdForAlias(other)).room_id).toBe(roomId);
    await alice.client.deleteAlias(other);
    await expect(bob.client.getRoomIdForAlias(other)).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
    expect((await bob.client.joinRoom(alias)).roomId).toBe(roomId);
    await becomes(bob, roomId, 'join');
  });
});

test('a space shows its rooms in pages, and a summary says what a room is', async () => {
  const space = await newRoom({
    name: 'Space',
    preset: Preset.PublicChat,
    creation_content: { type: RoomType.Space },
  });
  const children: string[] = [];
  for (const name of ['a', 'b', 'c']) {
    const child = await newRoom({ name, preset: Preset.PublicChat });
    children.push(child);
    await alice.client.sendStateEvent(
      space,
      EventType.SpaceChild,
      { via: [serverName], order: name, suggested: name === 'b' },
      child,
    );
  }
  await bob.client.joinRoom(space);
  await becomes(bob, space, 'join');
  const room = bob.room(space);
  if (!room) throw new Error('bob is in the space');
  const hierarchy = new RoomHierarchy(room, 2);
  while (hierarchy.canLoadMore) await hierarchy.load();
  expect(hierarchy.rooms?.map(({ room_id }) => room_id)).toEqual([space, ...children]);
  expect(children.map((child) => hierarchy.isSuggested(space, child))).toEqual([false, true, false]);
  expect(await bob.client.getRoomSummary(children[0] ?? '')).toMatchObject({
    name: 'a',
    membership: 'leave',
  });
});

test('an upgraded room leads to the next one, and back', async () => {
  const old = await newRoom({ name: 'Old', room_version: '10', preset: Preset.PublicChat });
  await bob.client.joinRoom(old);
  await becomes(bob, old, 'join');
  const { replacement_room: replacement } = await alice.client.upgradeRoom(old, '12');
  await bob.client.joinRoom(replacement);
  for (const user of [alice, bob]) {
    await becomes(user, replacement, 'join');
    const tombstone = () => stateOf(user, old)?.getStateEvents(EventType.RoomTombstone, '');
    await user.eventually('the tombstone', tombstone);
    const history = user.client.getRoomUpgradeHistory(old, true);
    expect(history.map(({ roomId }) => roomId)).toEqual([old, replacement]);
    expect(user.room(replacement)?.getVersion()).toBe('12');
  }
  expect(bob.room(replacement)?.name).toBe('Old');
});

test('the state of a room is what its clients show, and who may change it', async () => {
  const roomId = await newRoom({ name: 'Before', preset: Preset.PublicChat });
  await bob.client.joinRoom(roomId);
  await becomes(bob, roomId, 'join');
  expect(stateOf(bob, roomId)?.maySendStateEvent(EventType.RoomName, bob.userId)).toBe(false);
  await expect(bob.client.setRoomName(roomId, 'Mine')).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
  await alice.client.setPowerLevel(roomId, bob.userId, 50);
  await bob.eventually('power', () => bob.room(roomId)?.getMember(bob.userId)?.powerLevel === 50);
  await bob.client.setRoomName(roomId, 'After');
  await bob.client.setRoomTopic(roomId, 'winds');
  await alice.eventually('the name', () => alice.room(roomId)?.name === 'After');
  await alice.eventually('the topic', () => {
    const topic = stateOf(alice, roomId)?.getStateEvents(EventType.RoomTopic, '');
    return topic?.getContent()['topic'] === 'winds';
  });
});

test('an open room is peeked into, and its news come', async () => {
  const visibility = { history_visibility: HistoryVisibility.WorldReadable };
  const roomId = await newRoom({
    name: 'Open',
    preset: Preset.PublicChat,
    initial_state: [withState(EventType.RoomHistoryVisibility, visibility)],
  });
  await alice.client.sendTextMessage(roomId, 'hello');
  const peeked = await bob.client.peekInRoom(roomId);
  const shown = () =>
    peeked
      .getLiveTimeline()
      .getEvents()
      .map((event) => String(event.getContent()['body']));
  expect(peeked.name).toBe('Open');
  expect(shown()).toContain('hello');
  const news = new Promise<void>((resolve) => {
    peeked.on(RoomEvent.Timeline, () => {
      if (shown().includes('news')) resolve();
    });
  });
  await alice.client.sendTextMessage(roomId, 'news');
  await news;
  bob.client.stopPeeking();
});
