import { describe, expect, it } from '@jest/globals';
import type { JsonObject, UserId } from '@atoll/matrix';
import { MAX_EDU_BYTES, type NamedMessage, outgoingEdus } from './outgoing-edus.js';

const ALICE = '@alice:hs1' as UserId;
const message = (user: string, deviceId: string, content: JsonObject): NamedMessage => ({
  userId: `@${user}:hs2` as UserId,
  deviceId,
  content: JSON.stringify(content),
});
const parse = (edus: readonly string[]) => edus.map((edu) => JSON.parse(edu) as JsonObject);

describe('messages to devices of another server', () => {
  it('go in one EDU', () => {
    const [edu, ...more] = parse(
      outgoingEdus(ALICE, 'm.type', [
        message('bob', '"A"', { n: 1 }),
        message('carol', '*', { n: 2 }),
        message('bob', 'B', { n: 3 }),
      ]),
    );
    expect(more).toEqual([]);
    expect(edu).toEqual({
      sender: ALICE,
      type: 'm.type',
      message_id: expect.stringMatching(/^[\w-]{24}$/),
      messages: { '@bob:hs2': { '"A"': { n: 1 }, B: { n: 3 } }, '@carol:hs2': { '*': { n: 2 } } },
    });
  });

  it('go in several, each with an id of its own, when they are large', () => {
    const messages = Array.from({ length: 20 }, (_, n) => message('bob', `D${n}`, { x: 'ä'.repeat(5_000) }));
    const edus = outgoingEdus(ALICE, 'm.type', messages);
    expect(edus.length).toBe(4);
    for (const edu of edus) expect(Buffer.byteLength(edu)).toBeLessThan(MAX_EDU_BYTES);
    const parsed = parse(edus);
    expect(new Set(parsed.map((edu) => edu['message_id'])).size).toBe(4);
    const devices = parsed.flatMap(({ messages: all }) =>
      Object.keys((all as JsonObject)['@bob:hs2'] as object),
    );
    expect(devices).toEqual(messages.map(({ deviceId }) => deviceId));
  });
});
