import type { ServerName } from '@atoll/matrix';
import { describe, expect, it } from '@jest/globals';
import { RequestSlots } from './request-slots.js';

const SLOW = 'slow' as ServerName;

describe('questions to other servers', () => {
  it('are few at once to one server, which holds up no other', async () => {
    const slots = new RequestSlots();
    const answer = Promise.withResolvers<undefined>();
    let asked = 0;
    const questions = Array.from({ length: 10 }, () =>
      slots.run(SLOW, () => {
        asked += 1;
        return answer.promise;
      }),
    );
    await slots.run('quick' as ServerName, () => Promise.resolve());
    expect(asked).toBe(4);
    answer.resolve(undefined);
    await Promise.all(questions);
    expect(asked).toBe(10);
  });

  it('are bounded over all servers, and so are those that wait', async () => {
    const slots = new RequestSlots();
    const answer = Promise.withResolvers<undefined>();
    let asked = 0;
    const ask = (n: number) =>
      slots.run(`s${n}` as ServerName, () => {
        asked += 1;
        return answer.promise;
      });
    const questions = Array.from({ length: 1_032 }, (_, n) => ask(n));
    await expect(ask(2_000)).rejects.toMatchObject({ status: 503 });
    expect(asked).toBe(32);
    answer.resolve(undefined);
    await Promise.all(questions);
    expect(asked).toBe(1_032);
  });

  it('give their place back when they fail', async () => {
    const slots = new RequestSlots();
    for (let n = 0; n < 10; n += 1) {
      await expect(slots.run(SLOW, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    }
    expect(await slots.run(SLOW, () => Promise.resolve('yes'))).toBe('yes');
  });
});
