import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { testPassword, uniqueName } from '@atoll/testing';
import {
  Direction,
  EventType,
  MsgType,
  Preset,
  ReceiptType,
  RelationType,
  createClient,
  type MatrixEvent,
} from 'matrix-js-sdk';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { SdkUser } from './sdk-user.js';

const { clientUrl } = sharedCluster();

let alice: SdkUser;
let bob: SdkUser;
let roomId: string;
beforeAll(async () => {
  [alice, bob] = await Promise.all([
    SdkUser.register(clientUrl, 'alice'),
    SdkUser.register(clientUrl, 'bob'),
  ]);
});
afterAll(() => {
  for (const user of [alice, bob]) user.stop();
});
beforeEach(async () => {
  roomId = (await alice.client.createRoom({ preset: Preset.PublicChat })).room_id;
  await bob.client.joinRoom(roomId);
  for (const user of [alice, bob]) {
    await user.eventually('both', () => user.room(roomId)?.getJoinedMemberCount() === 2);
  }
});

/** Says something and waits until the other has it. */
async function say(from: SdkUser, to: SdkUser, text: string): Promise<MatrixEvent> {
  const { event_id: eventId } = await from.client.sendTextMessage(roomId, text);
  await to.eventually(text, () => to.room(roomId)?.findEventById(eventId));
  return to.room(roomId)?.findEventById(eventId) as MatrixEvent;
}

describe('how far others are', () => {
  test('receipts, private ones for oneself', async () => {
    const [one, two] = [await say(alice, bob, 'one'), await say(alice, bob, 'two')];
    const idOf = (event: MatrixEvent) => event.getId() ?? '';
    await bob.client.sendReadReceipt(one);
    await alice.eventually('receipt', () => alice.room(roomId)?.hasUserReadEvent(bob.userId, idOf(one)));
    expect(alice.room(roomId)?.hasUserReadEvent(bob.userId, idOf(two))).toBe(false);
    const device = await bob.onAnotherDevice();
    await bob.client.sendReadReceipt(two, ReceiptType.ReadPrivate);
    await device.eventually(
      'the private receipt',
      () => device.room(roomId)?.getEventReadUpTo(bob.userId) === idOf(two),
    );
    device.stop();
    await say(alice, bob, 'three');
    expect(alice.room(roomId)?.getEventReadUpTo(bob.userId, true)).toBe(idOf(one));
  });

  test('the read marker is there on every device', async () => {
    const event = await say(alice, bob, 'read this');
    const device = await bob.onAnotherDevice();
    await bob.client.setRoomReadMarkers(roomId, event.getId() ?? '', event);
    await device.eventually('the marker', () => {
      const marker = device.room(roomId)?.getAccountData(EventType.FullyRead);
      return marker?.getContent()['event_id'] === event.getId();
    });
    await device.eventually(
      'the receipt',
      () => device.room(roomId)?.getEventReadUpTo(bob.userId, true) === event.getId(),
    );
    device.stop();
  });

  test('typing, and presence with its message', async () => {
    await bob.client.sendTyping(roomId, true, 60_000);
    await alice.eventually('typing', () => alice.room(roomId)?.getMember(bob.userId)?.typing === true);
    await bob.client.sendTyping(roomId, false, 0);
    await alice.eventually('no typing', () => alice.room(roomId)?.getMember(bob.userId)?.typing === false);
    await bob.client.setPresence({ presence: 'online', status_msg: 'at sea' });
    await alice.eventually(
      'presence',
      () => alice.client.getUser(bob.userId)?.presenceStatusMsg === 'at sea',
    );
    expect(alice.client.getUser(bob.userId)?.presence).toBe('online');
  });
});

test('tags and data of accounts and rooms come to every device, and go', async () => {
  const device = await bob.onAnotherDevice();
  await bob.client.setRoomTag(roomId, 'm.favourite', { order: 0.25 });
  await device.eventually('the tag', () => device.room(roomId)?.tags['m.favourite']?.['order'] === 0.25);
  await bob.client.deleteRoomTag(roomId, 'm.favourite');
  await device.eventually('no tag', () => device.room(roomId)?.tags['m.favourite'] === undefined);
  await bob.client.setAccountData(EventType.Direct, { [alice.userId]: [roomId] });
  await device.eventually('the data', () => device.client.getAccountData(EventType.Direct));
  expect(device.client.getAccountData(EventType.Direct)?.getContent()).toEqual({ [alice.userId]: [roomId] });
  device.stop();
});

test('edits and reactions are shown with what they belong to', async () => {
  const original = await say(alice, bob, 'original');
  const eventId = original.getId() ?? '';
  await alice.client.sendMessage(roomId, {
    msgtype: MsgType.Text,
    body: '* better',
    'm.new_content': { msgtype: MsgType.Text, body: 'better' },
    'm.relates_to': { rel_type: RelationType.Replace, event_id: eventId },
  });
  await bob.eventually('the edit', () => original.replacingEvent() !== null);
  expect(original.getContent()['body']).toBe('better');
  await bob.client.sendEvent(roomId, EventType.Reaction, {
    'm.relates_to': { rel_type: RelationType.Annotation, event_id: eventId, key: '👍' },
  });
  const reactions = (user: SdkUser) =>
    user
      .room(roomId)
      ?.relations.getChildEventsForEvent(eventId, RelationType.Annotation, EventType.Reaction)
      ?.getSortedAnnotationsByKey()
      ?.map(([key, events]) => [key, events.size]);
  await alice.eventually('the reaction', () => reactions(alice)?.length === 1);
  expect(reactions(alice)).toEqual([['👍', 1]]);
  const { events } = await alice.client.relations(
    roomId,
    eventId,
    RelationType.Annotation,
    EventType.Reaction,
  );
  expect(events.map((event) => event.getSender())).toEqual([bob.userId]);
  // A device that has only the newest events is told of the edit with the original.
  for (let n = 0; n < 3; n += 1) await bob.client.sendTextMessage(roomId, `later ${n}`);
  const device = await bob.onAnotherDevice({ initialSyncLimit: 2 });
  const room = device.room(roomId);
  if (!room) throw new Error('bob is in the room');
  await device.client.scrollback(room, 30);
  const shown = room.findEventById(eventId);
  expect(shown?.getContent()['body']).toBe('better');
  device.stop();
});

test('what was said is found by words, page by page, and by its time', async () => {
  const word = uniqueName('word');
  const said: string[] = [];
  for (let n = 0; n < 12; n += 1) {
    said.push((await alice.client.sendTextMessage(roomId, `${word} ${n}`)).event_id);
  }
  await bob.eventually('all of it', () => bob.room(roomId)?.findEventById(said.at(-1) ?? ''));
  const found = await bob.client.searchRoomEvents({ term: word, filter: { limit: 10 } });
  expect(found.count).toBe(12);
  await bob.client.backPaginateRoomEventsSearch(found);
  const ids = found.results.map(({ context }) => context.getEvent().getId());
  expect(ids).toEqual(said.toReversed());
  const ts =
    bob
      .room(roomId)
      ?.findEventById(said[3] ?? '')
      ?.getTs() ?? 0;
  const closest = await bob.client.timestampToEvent(roomId, ts, Direction.Backward);
  expect(closest.origin_server_ts).toBe(ts);
  const created = await bob.client.timestampToEvent(roomId, 0, Direction.Forward);
  expect((await bob.client.fetchRoomEvent(roomId, created.event_id)).type).toBe('m.room.create');
});

test('people are found by the names that they give themselves', async () => {
  const name = uniqueName('Captain');
  await alice.client.setDisplayName(name);
  await bob.eventually('the name', () => bob.room(roomId)?.getMember(alice.userId)?.name === name);
  const { results } = await bob.client.searchUserDirectory({ term: name });
  expect(results).toMatchObject([{ user_id: alice.userId, display_name: name }]);
  expect(await bob.client.getProfileInfo(alice.userId)).toMatchObject({ displayname: name });
});

test('who is ignored says and invites to nothing', async () => {
  const carol = await SdkUser.register(clientUrl, 'carol');
  try {
    await carol.client.joinRoom(roomId);
    await carol.client.setIgnoredUsers([bob.userId]);
    await carol.eventually('the list', () => carol.client.isUserIgnored(bob.userId));
    const { room_id: unwanted } = await bob.client.createRoom({ invite: [carol.userId] });
    await bob.client.sendTextMessage(roomId, 'unheard');
    await alice.client.sendTextMessage(roomId, 'heard');
    await carol.eventually('alice', () => carol.messages(roomId).includes('heard'));
    expect(carol.messages(roomId)).toEqual(['heard']);
    expect(carol.room(unwanted)).toBeUndefined();
  } finally {
    carol.stop();
  }
});

test('events and rooms are reported', async () => {
  const event = await say(alice, bob, 'rude');
  await bob.client.reportEvent(roomId, event.getId() ?? '', -50, 'rude');
  await bob.client.reportRoom(roomId, 'rude people');
  await expect(bob.client.reportEvent(roomId, '$unknown', 0, 'x')).rejects.toMatchObject({ httpStatus: 404 });
});

test('a refreshed token takes the place of the old one, in the middle of a session', async () => {
  const session = await createClient({ baseUrl: clientUrl }).loginRequest({
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: bob.userId },
    password: testPassword,
    refresh_token: true,
  });
  const of = (accessToken: string) =>
    createClient({ baseUrl: clientUrl, userId: bob.userId, deviceId: session.device_id, accessToken });
  const client = of(session.access_token);
  const renewed = await client.refreshToken(session.refresh_token ?? '');
  client.setAccessToken(renewed.access_token);
  expect(await client.whoami()).toMatchObject({ user_id: bob.userId, device_id: session.device_id });
  await expect(of(session.access_token).whoami()).rejects.toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
  expect((await client.sendTextMessage(roomId, 'still here')).event_id).toMatch(/^\$/);
  await alice.eventually('the message', () => alice.messages(roomId).includes('still here'));
});
