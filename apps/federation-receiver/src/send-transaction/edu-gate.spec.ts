import type { JsonObject, ServerName } from '@atoll/matrix';
import { describe, expect, it } from '@jest/globals';
import { gateEdu, roomsOfEdu } from './edu-gate.js';

const HS2 = 'hs2' as ServerName;
const gate = (edu_type: unknown, content: unknown) =>
  gateEdu({ edu_type, content }, HS2, (roomId) => roomId.startsWith('!open'));
const toDevice = { sender: '@u:hs2', type: 'm.test', message_id: 'm', messages: {} };
const device = { user_id: '@u:hs2', device_id: 'A', stream_id: 1 };
const receipt = { data: { ts: 1 }, event_ids: ['$e'] };

describe('an EDU', () => {
  it.each<[string, unknown, unknown, string]>([
    ['of an unknown type', 'org.example.unknown', {}, 'unsupported'],
    ['to devices by another', 'm.direct_to_device', { ...toDevice, sender: '@u:hs3' }, 'not_of_origin'],
    ['to devices without an id', 'm.direct_to_device', { ...toDevice, message_id: undefined }, 'malformed'],
    ['of devices of another', 'm.device_list_update', { ...device, user_id: '@u:hs3' }, 'not_of_origin'],
    ['of devices without a number', 'm.device_list_update', { ...device, stream_id: 1.5 }, 'malformed'],
    ['of no keys', 'm.signing_key_update', { user_id: '@u:hs2' }, 'malformed'],
    ['without a type', undefined, {}, 'unsupported'],
    ['with a type that only looks like one', 'constructor', {}, 'unsupported'],
    ['without content', 'm.typing', undefined, 'malformed'],
    ['of typing without a room', 'm.typing', { user_id: '@u:hs2', typing: true }, 'malformed'],
    ['of typing that says nothing', 'm.typing', { user_id: '@u:hs2', room_id: '!open' }, 'malformed'],
    [
      'of typing by another',
      'm.typing',
      { user_id: '@u:hs3', room_id: '!open', typing: true },
      'not_of_origin',
    ],
    [
      'of typing by a look-alike',
      'm.typing',
      { user_id: '@u:hs3:hs2', room_id: '!open', typing: true },
      'malformed',
    ],
    [
      'of typing in a denied room',
      'm.typing',
      { user_id: '@u:hs2', room_id: '!no', typing: true },
      'room_denied',
    ],
    [
      'of receipts in a denied room',
      'm.receipt',
      { '!no': { 'm.read': { '@u:hs2': receipt } } },
      'room_denied',
    ],
    ['of receipts of others', 'm.receipt', { '!open': { 'm.read': { '@u:hs3': receipt } } }, 'not_of_origin'],
    ['of receipts without any', 'm.receipt', { '!open': [] }, 'not_of_origin'],
    ['of presence without a list', 'm.presence', { push: {} }, 'malformed'],
    [
      'of presence of others',
      'm.presence',
      { push: [{ user_id: '@u:hs3', presence: 'online' }] },
      'not_of_origin',
    ],
  ])('%s is dropped', (_, type, content, outcome) => {
    expect(gate(type, content)).toMatchObject({ outcome });
    expect(gate(type, content)).not.toHaveProperty('content');
  });

  it.each([null, [], 'm.typing', 7])('that is %j is dropped', (edu) => {
    expect(gateEdu(edu, HS2, () => true)).toEqual({ type: 'other', outcome: 'unsupported' });
    expect(roomsOfEdu(edu)).toEqual([]);
  });

  it('of typing is admitted', () => {
    const content = { user_id: '@u:hs2', room_id: '!open', typing: false };
    expect(gate('m.typing', { ...content, more: 1 })).toEqual({
      type: 'm.typing',
      outcome: 'admitted',
      content,
    });
  });

  it('of receipts is admitted without what is not for it to say', () => {
    const content: JsonObject = {
      '!open1': { 'm.read': { '@u:hs2': receipt, '@v:hs3': receipt, '@w:hs2': 1 }, 'm.other': {} },
      '!open2': { 'm.read': { '@v:hs3': receipt } },
      '!no': { 'm.read': { '@u:hs2': receipt } },
    };
    expect(gate('m.receipt', content).content).toEqual({ '!open1': { 'm.read': { '@u:hs2': receipt } } });
    expect(roomsOfEdu({ edu_type: 'm.receipt', content })).toEqual(['!open1', '!open2', '!no']);
  });

  it('of presence is admitted without what others are said to be', () => {
    const mine = { user_id: '@u:hs2', presence: 'online' };
    const push = [mine, { user_id: '@v:hs3', presence: 'online' }, 7, { user_id: '@w:hs2' }];
    expect(gate('m.presence', { push }).content).toEqual({ push: [mine] });
  });
});
