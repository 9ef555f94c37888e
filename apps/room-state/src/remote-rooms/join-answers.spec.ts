import { describe, expect, it } from '@jest/globals';
import { JoinAnswers } from './join-answers.js';

const answers = new JoinAnswers();
const split = (text: string) => answers.split(Buffer.from(text));

describe('an answer to send_join', () => {
  it('is taken apart into events that hash as they came', async () => {
    const text = '{"event":{"e": 1e3},"state":[{"a": 1.0},[],"x"],"auth_chain":[{"b":9007199254740993}]}';
    expect(await split(text)).toEqual({
      event: '{"e":1e3}',
      state: ['{"a":1.0}'],
      authChain: ['{"b":9007199254740993}'],
    });
  });

  it('may have memory of its own, or share it', async () => {
    const text = JSON.stringify({ state: [{ body: 'é'.repeat(10_000) }], auth_chain: [] });
    const own = Buffer.from(new TextEncoder().encode(text).buffer);
    const shared = Buffer.from(`${text} `).subarray(0, -1);
    const expected = { state: [JSON.stringify({ body: 'é'.repeat(10_000) })], authChain: [] };
    expect(await Promise.all([answers.split(own), answers.split(shared)])).toEqual([expected, expected]);
  });

  it.each(['', '[]', '{"state":[]}', '{"state":{},"auth_chain":[]}', '{"state":[],"auth_chain":[]'])(
    'is none if it is %j',
    async (text) => {
      expect(await split(text)).toBeUndefined();
    },
  );

  it('is none if it has more values than memory should hold', async () => {
    expect(await split(`{"state":[[${'{},'.repeat(2_000_000)}1]],"auth_chain":[]}`)).toBeUndefined();
  });

  it('is none if it is no UTF-8', async () => {
    const bytes = Buffer.from('{"state":[],"auth_chain":[],"x":"\xff"}', 'latin1');
    expect(await answers.split(bytes)).toBeUndefined();
  });
});
