import { describe, expect, it } from '@jest/globals';
import { STREAM_NAMES, STREAMS } from './stream-registry.js';
import { decodeToken, encodeToken } from './stream-token.js';

describe('sync tokens', () => {
  const positions = {
    events: 123_456_789_012,
    account_data: 7,
    receipts: 8,
    typing: 9,
    presence: 10,
    thread_subscriptions: 11,
    device_lists: 12,
    key_counts: 13,
    to_device: 14,
  };

  it('carry every position, in few characters', () => {
    expect(decodeToken(encodeToken(positions))).toEqual(positions);
    expect(encodeToken(positions)).toBe('s1_1kpqzg2c_7_8_9_a_b_c_d_e');
  });

  it('of older and newer releases are read as far as they go', () => {
    const others = {
      account_data: 0,
      receipts: 0,
      typing: 0,
      presence: 0,
      thread_subscriptions: 0,
      device_lists: 0,
      key_counts: 0,
      to_device: 0,
    };
    expect(decodeToken('s1_a')).toEqual({ events: 10, ...others });
    expect(decodeToken('s1_a_b_c_d_e_f_g_h_i_j_k')).toMatchObject({
      events: 10,
      account_data: 11,
      presence: 14,
    });
  });

  it('may have behind them what sliding sync adds', () => {
    expect(decodeToken(`${encodeToken(positions)}~1a_2`)).toEqual(positions);
  });

  it.each([
    '',
    's1',
    's1_',
    's2_1_1',
    's1_-1_1',
    's1_1_1 ',
    's1_1_1\n',
    's1_1_1~',
    's1_1_1~a~b',
    '~1_1',
    's1_zzzzzzzzzzz_1',
    's1_1__1',
    't1_1',
    '1',
  ])('refuse %j', (garbage) => {
    expect(decodeToken(garbage)).toBeUndefined();
  });
});

describe('stream registry', () => {
  it('gives each lane its own lock and sequence', () => {
    const lanes = STREAM_NAMES.map((name) => STREAMS[name].lane);
    expect(new Set(lanes.map(({ key }) => key)).size).toBe(lanes.length);
    expect(new Set(lanes.map(({ sequence }) => sequence)).size).toBe(lanes.length);
  });
});
