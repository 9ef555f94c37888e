import { expect, it } from '@jest/globals';
import { pruneStrippedState } from './prune-stripped-state.js';

const name = { type: 'm.room.name', state_key: '', sender: '@a:hs2', content: { name: 'there' } };

it('keeps what stripped state has, of stripped events and of whole ones', () => {
  const create = { type: 'm.room.create', state_key: '', sender: '@a:hs2', content: { room_version: '12' } };
  const pdu = { ...create, auth_events: [], hashes: { sha256: '' }, origin_server_ts: 1, signatures: {} };
  expect(pruneStrippedState([name, pdu], '@bob:hs1')).toEqual([name, create]);
});

it("leaves the user's own membership to the event that it comes with", () => {
  const member = (user: string) => ({ ...name, type: 'm.room.member', state_key: user });
  expect(pruneStrippedState([member('@bob:hs1'), member('@a:hs2')], '@bob:hs1')).toEqual([member('@a:hs2')]);
});

it.each([
  [null],
  ['event'],
  [{ ...name, type: 7 }],
  [{ ...name, state_key: undefined }],
  [{ ...name, sender: 'nobody' }],
  [{ ...name, content: 'there' }],
])('drops %j', (event) => {
  expect(pruneStrippedState([event], '@bob:hs1')).toEqual([]);
});
