import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  EventType,
  FeatureSupport,
  MsgType,
  NotificationCountType,
  Preset,
  ReceiptType,
  RelationType,
  Thread,
  ThreadEvent,
} from 'matrix-js-sdk';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { SdkUser } from './sdk-user.js';

let alice: SdkUser;
let bob: SdkUser;
beforeAll(async () => {
  const url = sharedCluster().clientUrl;
  [alice, bob] = await Promise.all([SdkUser.register(url, 'alice'), SdkUser.register(url, 'bob')]);
});
afterAll(() => {
  for (const user of [alice, bob]) user.stop();
});

test('a client that comes later finds the threads of a room, and all that was said in one', async () => {
  const { room_id: roomId } = await alice.client.createRoom({ preset: Preset.PublicChat });
  await bob.client.joinRoom(roomId);
  const { event_id: root } = await alice.client.sendTextMessage(roomId, 'root');
  const relation = { rel_type: RelationType.Thread, event_id: root } as const;
  const replies: string[] = [];
  for (let n = 0; n < 30; n += 1) {
    const content = { msgtype: MsgType.Text, body: `reply ${n}`, 'm.relates_to': relation } as const;
    replies.push((await bob.client.sendMessage(roomId, content)).event_id);
  }
  const last = replies.at(-1) ?? '';
  await bob.client.sendEvent(roomId, EventType.Reaction, {
    'm.relates_to': { rel_type: RelationType.Annotation, event_id: last, key: '👍' },
  });
  for (let n = 0; n < 10; n += 1) await alice.client.sendTextMessage(roomId, `after ${n}`);

  const late = await alice.onAnotherDevice({ initialSyncLimit: 5, threadSupport: true });
  try {
    expect(Thread.hasServerSideSupport).toBe(FeatureSupport.Stable);
    expect(Thread.hasServerSideListSupport).toBe(FeatureSupport.Stable);
    const room = late.room(roomId);
    await room?.createThreadsTimelineSets();
    await room?.fetchRoomThreads();
    expect(room?.getThreads().map(({ id }) => id)).toEqual([root]);
    const thread = room?.getThread(root);
    expect(thread?.length).toBe(30);
    expect(thread?.replyToEvent?.getId()).toBe(last);
    if (!thread) throw new Error('there is no thread');
    await new Promise<void>((resolve) => {
      const look = () => {
        if (thread.initialEventsFetched) resolve();
      };
      thread.on(ThreadEvent.Update, look);
      look();
    });
    const options = { backwards: true, limit: 7 };
    while (await late.client.paginateEventTimeline(thread.liveTimeline, options));
    const messages = thread.events.filter((event) => event.getType() === 'm.room.message');
    expect(messages.map((event) => event.getId())).toEqual([root, ...replies]);
  } finally {
    late.stop();
  }
});

test('what is unread in a thread is counted by itself, until it is read there', async () => {
  const { room_id: roomId } = await alice.client.createRoom({ preset: Preset.PublicChat });
  const [reader, other] = await Promise.all([
    bob.onAnotherDevice({ threadSupport: true, lazyLoadMembers: true }),
    bob.onAnotherDevice({ threadSupport: true }),
  ]);
  try {
    await reader.client.joinRoom(roomId);
    const { event_id: root } = await alice.client.sendTextMessage(roomId, 'root');
    const reply = (body: string, mentioned: string[] = []) =>
      alice.client.sendMessage(roomId, {
        msgtype: MsgType.Text,
        body,
        'm.relates_to': { rel_type: RelationType.Thread, event_id: root },
        'm.mentions': { user_ids: mentioned },
      });
    await reply('one');
    const { event_id: last } = await reply('two, and you', [reader.userId]);
    const { Total, Highlight } = NotificationCountType;
    // The reader's client clears counts before the server does; the other device hears of it from the server.
    const are = (user: SdkUser, ...expected: number[][]) => {
      const room = user.room(roomId);
      const counts = [Total, Highlight].map((type) => [
        room?.getUnreadNotificationCount(type) ?? 0,
        room?.getRoomUnreadNotificationCount(type) ?? 0,
        room?.getThreadUnreadNotificationCount(root, type) ?? 0,
      ]);
      return JSON.stringify(counts) === JSON.stringify(expected);
    };
    for (const user of [reader, other])
      await user.eventually('what is unread', () => are(user, [3, 1, 2], [1, 0, 1]));

    // It comes into its thread when the client has fetched the root, which may be after the counts.
    const found = () => reader.room(roomId)?.findEventById(last) ?? null;
    await reader.eventually('the reply', found);
    await reader.client.sendReadReceipt(found(), ReceiptType.ReadPrivate);
    for (const user of [reader, other])
      await user.eventually('the thread as read', () => are(user, [1, 1, 0], [0, 0, 0]));
  } finally {
    for (const user of [reader, other]) user.stop();
  }
});
