import { isDeepStrictEqual } from 'node:util';
import { path } from '@atoll/testing';
import type { Person } from '../person.js';
import type { Step } from '../step.js';

/** Both ways. */
const ways = (alice: Person, bob: Person) =>
  [
    [alice, bob],
    [bob, alice],
  ] as const;

const typing: Step = {
  name: 'typing',
  async play(scene) {
    const { roomId, alice, bob } = await scene.sharedRoom();
    for (const [from, to] of ways(alice, bob)) {
      const target = path`/v3/rooms/${roomId}/typing/${from.userId}`;
      await from.user.expect('PUT', target, { typing: true, timeout: 30_000 });
      await seesTyping(roomId, to, [from.userId]);
      await from.user.expect('PUT', target, { typing: false });
      await seesTyping(roomId, to, []);
    }
  },
};

function seesTyping(roomId: string, person: Person, userIds: string[]) {
  const fits = ({ typing }: { typing: readonly string[] }) => isDeepStrictEqual(typing, userIds);
  return person.sees(roomId, `typing of ${JSON.stringify(userIds)}`, fits);
}

const receipts: Step = {
  name: 'receipts',
  async play(scene) {
    const { roomId, alice, bob } = await scene.sharedRoom();
    for (const [from, to] of ways(alice, bob)) {
      const eventId = await to.user.send(roomId, 'read this');
      await from.sees(roomId, 'the message', ({ timeline }) =>
        timeline.some(({ event_id }) => event_id === eventId),
      );
      await from.user.expect('POST', path`/v3/rooms/${roomId}/receipt/m.read/${eventId}`, {});
      await to.sees(roomId, `a receipt of ${from.userId}`, ({ read }) => read.get(from.userId) === eventId);
    }
  },
};

const presence: Step = {
  name: 'presence',
  async play(scene) {
    const { alice, bob } = await scene.sharedRoom();
    for (const [from, to] of ways(alice, bob)) {
      await from.syncOnce(0);
      await to.seesPresence(from.userId, 'online');
      const target = path`/v3/presence/${from.userId}/status`;
      await from.user.expect('PUT', target, { presence: 'unavailable', status_msg: 'away' });
      await to.seesPresence(from.userId, 'unavailable');
    }
  },
};

export const ephemeralSteps: readonly Step[] = [typing, receipts, presence];
