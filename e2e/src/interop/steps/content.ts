import type { ClientEvent } from '@atoll/testing';
import { expectEqual } from '../expectations.js';
import type { Person } from '../person.js';
import type { Step } from '../step.js';

/** Contents whose hashes and signatures two servers easily disagree about. */
const contents: readonly Record<string, unknown>[] = [
  { body: 'quotes " \\ / and controls \u0001\u001f\u007f\b\f\n\r\t \u2028\u2029 \ufeff' },
  // Keys are sorted by code point: the emoji comes last, although its first UTF-16 unit is the smaller one.
  { '\u{1f600}': 1, '\uffee': 2, '\ue000': 3, é: 4, 'e\u0301': 5, '': 6, 'a.b': 7, $: 8 },
  { large: 9007199254740991, small: -9007199254740991, zero: 0, yes: true, no: false, nothing: null },
  { list: [[], {}, [[[{ deep: [{}] }]]], [1, 'two', null]], empty: {}, text: '' },
  { constructor: 'a', toString: 'b', hasOwnProperty: { valueOf: 1 } },
  { body: 'long '.repeat(10_000) },
];

const survives: Step = {
  name: 'content-survives',
  async play(scene) {
    const { roomId, alice, bob } = await scene.sharedRoom();
    for (const [sender, receiver] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      for (const [index, content] of contents.entries()) {
        const eventId = await sender.user.sendEvent(roomId, 'org.example.content', content);
        const { content: arrived } = await comes(roomId, receiver, eventId);
        expectEqual(`content ${index} of ${sender.userId}`, arrived, content);
      }
    }
  },
};

async function comes(roomId: string, person: Person, eventId: string): Promise<ClientEvent> {
  const find = (timeline: readonly ClientEvent[]) => timeline.find(({ event_id }) => event_id === eventId);
  const { timeline } = await person.sees(
    roomId,
    `event ${eventId}`,
    (room) => find(room.timeline) !== undefined,
  );
  return find(timeline) as ClientEvent;
}

export const contentSteps: readonly Step[] = [survives];
