import { texts } from '../../users.js';
import { eventually, expectEqual, hears, sendMany } from '../expectations.js';
import { bothSeeJoined } from '../scene.js';
import type { Step } from '../step.js';
import { everyPage } from './pages.js';

const scrollBack: Step = {
  name: 'history-from-before-the-join',
  async play(scene) {
    const [alice, bob] = [await scene.newHost(), await scene.newGuest()];
    const roomId = await scene.createRoom(alice);
    const before = await sendMany(roomId, alice, 35);
    await scene.join(bob, roomId);
    await bothSeeJoined(roomId, alice, bob);
    const after = await sendMany(roomId, bob, 3);
    const expected = [...before, ...after];
    const back = await eventually(async () => {
      const pages = await everyPage(roomId, bob, 'b');
      const events = pages.flatMap(({ chunk }) => chunk).reverse();
      expectEqual('the messages, paging back', texts(events), expected);
      expectEqual('the oldest event', events[0]?.type, 'm.room.create');
      return pages;
    });
    // Forward again from where the oldest page began: everything but that page.
    const oldest = back.at(-1);
    const forth = await everyPage(roomId, bob, 'f', oldest?.from);
    const newer = texts(forth.flatMap(({ chunk }) => chunk));
    expectEqual('the messages, paging forward', newer, expected.slice(texts(oldest?.chunk).length));
  },
};

const hidden: Step = {
  name: 'history-hidden-from-before-the-join',
  async play(scene) {
    const [alice, bob] = [await scene.newHost(), await scene.newGuest()];
    const content = { history_visibility: 'joined' };
    const initial = [{ type: 'm.room.history_visibility', state_key: '', content }];
    const roomId = await scene.createRoom(alice, { initial_state: initial });
    await sendMany(roomId, alice, 15);
    await scene.join(bob, roomId);
    await bothSeeJoined(roomId, alice, bob);
    const after = await sendMany(roomId, alice, 3);
    await hears(roomId, bob, alice, after);
    const pages = await everyPage(roomId, bob, 'b');
    expectEqual('the messages', texts(pages.flatMap(({ chunk }) => chunk).reverse()), after);
  },
};

export const historySteps: readonly Step[] = [scrollBack, hidden];
