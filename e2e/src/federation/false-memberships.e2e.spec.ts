import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Pdu, RoomEvent, UserId } from '@atoll/matrix';
import { makeMembership, path, RemoteRoom, sendMembership, type InviteOptions } from '@atoll/testing';
import { outcome } from '../users.js';
import { newScene, proveUnharmed, setStage, type Scene, type Stage } from './stage.js';

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage.stop());

describe('send_join refuses (behaviour 44)', () => {
  const eve = () => stage.remote.user('eve');
  const forgeries: Record<string, () => Partial<Pdu>> = {
    'a join of a user of this server': () => {
      const { userId } = stage.alice;
      return { sender: userId as UserId, state_key: userId };
    },
    'a join of a user of a third server': () => {
      const user = stage.other.user('eve');
      return { sender: user, state_key: user };
    },
    'a join that one user makes for another': () => ({ state_key: stage.remote.user('frank') }),
    'a leave': () => ({ content: { membership: 'leave' } }),
    'another type': () => ({ type: 'm.room.topic', content: { topic: 'x' } }),
    'an event that is no state': () => ({ state_key: undefined as unknown as string }),
    'another room': () => ({ room_id: `!other:${stage.remote.serverName}` as Pdu['room_id'] & string }),
  };
  test.each(Object.keys(forgeries))('%s', async (name) => {
    const scene = await newScene(stage);
    const fields = forgeries[name]?.() ?? {};
    const made = await makeMembership(stage.remote, stage.atoll, 'join', scene.roomId, eve(), fields);
    const answer = await sendMembership(stage.remote, stage.atoll, 'join', made);
    expect([400, 403]).toContain(answer.status);
    await expectNobodyNew(scene);
  });

  test('an event under the id of another', async () => {
    const scene = await newScene(stage);
    const made = await makeMembership(stage.remote, stage.atoll, 'join', scene.roomId, eve());
    const eventId = `$${'A'.repeat(43)}` as RoomEvent['eventId'];
    const event = { ...made.event, eventId };
    const answer = await sendMembership(stage.remote, stage.atoll, 'join', { ...made, event });
    expect([400, 403]).toContain(answer.status);
    await expectNobodyNew(scene);
  });

  test('an event that nobody signed', async () => {
    const scene = await newScene(stage);
    const made = await makeMembership(stage.remote, stage.atoll, 'join', scene.roomId, eve());
    const event = { ...made.event, pdu: { ...made.event.pdu, signatures: {} } };
    const answer = await sendMembership(stage.remote, stage.atoll, 'join', { ...made, event });
    expect([400, 403]).toContain(answer.status);
    await expectNobodyNew(scene);
  });

  test('a banned user', async () => {
    const scene = await newScene(stage);
    const made = await makeMembership(stage.remote, stage.atoll, 'join', scene.roomId, eve());
    await stage.alice.ban(scene.roomId, eve());
    const answer = await sendMembership(stage.remote, stage.atoll, 'join', made);
    expect(answer).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    await proveUnharmed(scene);
  });
});

async function expectNobodyNew(scene: Scene): Promise<void> {
  await proveUnharmed(scene);
  const { joined } = await stage.alice.expect('GET', path`/v3/rooms/${scene.roomId}/joined_members`);
  expect(Object.keys(joined ?? {}).sort()).toEqual([stage.alice.userId, scene.mallory].sort());
}

describe('an invite is refused', () => {
  const mallory = () => stage.remote.user('mallory');
  const alice = () => stage.alice.userId as UserId;
  const invite = (fields: Partial<Pdu>) => (room: RemoteRoom) =>
    room.build({
      ...{ type: 'm.room.member', sender: mallory(), state_key: alice() },
      content: { membership: 'invite' },
      ...fields,
    });
  const events: Record<string, (room: RemoteRoom) => Promise<RoomEvent>> = {
    'of a user of another server': invite({ state_key: '@somebody:elsewhere.example' }),
    'by a user of another server': (room) => invite({ sender: stage.other.user('eve') })(room),
    'that is a join': invite({ content: { membership: 'join' } }),
    'of another type': invite({ type: 'm.room.topic', content: {} }),
    'that nobody signed': async (room) => {
      const { pdu, ...event } = await invite({})(room);
      return { ...event, pdu: { ...pdu, signatures: {} } };
    },
    'that another server signed': (room) =>
      room.build(
        {
          ...{ type: 'm.room.member', sender: mallory(), state_key: alice() },
          content: { membership: 'invite' },
        },
        { signers: [stage.other] },
      ),
  };
  test.each(Object.keys(events))('%s', async (name) => {
    const room = await stage.remote.createRoom({ creator: mallory() });
    const event = (await events[name]?.(room)) as RoomEvent;
    await expectNoInvite(room, { event });
  });

  const states: Record<string, () => Promise<unknown[]>> = {
    'without the create event': () => Promise.resolve([]),
    'with the create event of another room': async () => {
      const other = await stage.remote.createRoom({ creator: mallory(), version: '12' });
      return [other.current('m.room.create')?.pdu];
    },
    'with a stripped create event': () =>
      Promise.resolve([{ type: 'm.room.create', sender: mallory(), state_key: '', content: {} }]),
  };
  test.each(Object.keys(states))('%s, in room version 12', async (name) => {
    const room = await stage.remote.createRoom({ creator: mallory(), version: '12' });
    const strippedState = (await states[name]?.()) ?? [];
    await expectNoInvite(room, { strippedState });
  });

  test('to a room version that nobody knows', async () => {
    const room = await stage.remote.createRoom({ creator: mallory() });
    await expectNoInvite(room, { roomVersion: 'none' });
  });

  async function expectNoInvite(room: RemoteRoom, options: InviteOptions): Promise<void> {
    const answer = await stage.remote.invite(stage.atoll, room, mallory(), alice(), options);
    expect([400, 403]).toContain(answer.status);
    expect((await stage.alice.sync()).rooms?.invite?.[room.roomId]).toBeUndefined();
    const honest = await stage.remote.createRoom({ creator: mallory() });
    const accepted = await stage.remote.invite(stage.atoll, honest, mallory(), alice());
    expect(accepted.status).toBe(200);
    expect((await stage.alice.sync()).rooms?.invite?.[honest.roomId]).toBeDefined();
  }
});

test('an honest invite is signed, shown at once, and can be refused', async () => {
  const mallory = stage.remote.user('mallory');
  const room = await stage.remote.createRoom({ creator: mallory, version: '12', joinRule: 'invite' });
  const answer = await stage.remote.invite(stage.atoll, room, mallory, stage.alice.userId as UserId);
  expect(Object.keys(answer.event.pdu.signatures)).toContain(stage.atoll.serverName);
  expect((await stage.alice.sync()).rooms?.invite?.[room.roomId]).toBeDefined();
  expect(outcome(await stage.alice.request('POST', path`/v3/rooms/${room.roomId}/leave`, {}))).toBe('200');
  const { pdu } = room.current('m.room.member', stage.alice.userId) ?? {};
  expect(pdu?.content['membership']).toBe('leave');
});
