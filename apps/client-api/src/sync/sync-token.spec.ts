import { decodeToken } from '@atoll/database';
import { describe, expect, it } from '@jest/globals';
import { encodePos } from '../sliding-sync/pos.js';
import { decodeSyncToken, encodeSyncToken, newChain } from './sync-token.js';

const positions = {
  events: 5,
  account_data: 4,
  receipts: 3,
  typing: 2,
  presence: 1,
  thread_subscriptions: 6,
  device_lists: 7,
  key_counts: 8,
  to_device: 9,
};

describe('a sync token', () => {
  it('says which first sync it goes back to, and is read as any other where that does not matter', () => {
    const chain = newChain();
    const text = encodeSyncToken({ positions, chain });
    expect(decodeSyncToken(text)).toEqual({ positions, chain });
    expect(decodeToken(text)).toEqual(positions);
    expect(newChain()).not.toBe(chain);
  });

  it('need not', () => {
    expect(decodeSyncToken(encodeSyncToken({ positions }))).toEqual({ positions, chain: undefined });
    const pos = encodePos({ positions, connectionNid: 1, serial: 1 });
    expect(decodeSyncToken(pos)).toEqual({ positions, chain: undefined });
    expect(decodeSyncToken('s2_1')).toBeUndefined();
  });
});
