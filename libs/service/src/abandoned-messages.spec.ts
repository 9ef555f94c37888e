import { describe, expect, it } from '@jest/globals';
import type { Logger } from '@atoll/telemetry';
import { AbandonedMessages } from './abandoned-messages.js';

describe('messages that were left out', () => {
  it('are told in the log once in an hour, all of them and of nobody by name', () => {
    const logged: unknown[] = [];
    const logger = { warn: (fields: unknown) => logged.push(fields) } as unknown as Logger;
    const messages = new AbandonedMessages(logger);
    const note = (abandoned: number, now: number) => {
      messages.note([{ outcome: 'taken_in', leftOut: 0, abandoned }, { outcome: 'repeated' }], now);
    };
    for (const now of [0, 1, 3_599_999]) note(2, now);
    note(0, 3_600_000);
    expect(logged).toEqual([{ messages: 2 }]);
    note(1, 3_600_000);
    expect(logged).toEqual([{ messages: 2 }, { messages: 5 }]);
  });
});
