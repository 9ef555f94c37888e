import { describe, expect, it } from '@jest/globals';
import type { UserId } from './ids.js';
import { inviteVerdict } from './invite-permission.js';
import type { JsonObject } from './json.js';

const BLOCKING = 'm.invite_permission_config';
const FILTERS = 'org.matrix.msc4155.invite_permission_config';
const verdict = (contents: Record<string, JsonObject>, inviter = '@eve:hs2') =>
  inviteVerdict(new Map(Object.entries(contents)), inviter as UserId);
const filtered = (filters: JsonObject, inviter?: string) => verdict({ [FILTERS]: filters }, inviter);

describe('invite blocking', () => {
  it('refuses all, whatever the filters say', () => {
    expect(verdict({ [BLOCKING]: { default_action: 'block' }, [FILTERS]: { allowed_users: ['*'] } })).toBe(
      'block',
    );
  });

  it.each([{}, { default_action: 'allow' }, { default_action: null }, { default_action: ['block'] }])(
    'with %j refuses nothing',
    (content) => {
      expect(verdict({ [BLOCKING]: content })).toBe('allow');
    },
  );

  it('without account data refuses nothing', () => {
    expect(inviteVerdict(undefined, '@eve:hs2' as UserId)).toBe('allow');
  });
});

describe('invite filters', () => {
  it.each<[JsonObject, string, string]>([
    [{}, '@eve:hs2', 'allow'],
    [{ blocked_users: ['@eve:hs2'] }, '@eve:hs2', 'block'],
    [{ blocked_users: ['@eve:hs2'] }, '@eve:hs20', 'allow'],
    [{ blocked_users: ['@EVE:hs2'] }, '@eve:hs2', 'block'],
    [{ blocked_users: ['@e?e:*'] }, '@eve:hs3', 'block'],
    [{ ignored_users: ['*'] }, '@eve:hs2', 'ignore'],
    [{ ignored_servers: ['*.spam'] }, '@eve:a.spam', 'ignore'],
    [{ blocked_servers: ['hs2'] }, '@eve:hs2:8448', 'block'],
    [{ blocked_servers: ['hs2:8448'] }, '@eve:hs2:8448', 'block'],
    [{ blocked_servers: ['hs2:8448'] }, '@eve:hs2', 'allow'],
    [{ allowed_servers: ['hs2'], blocked_servers: ['*'] }, '@eve:hs2', 'allow'],
    [{ allowed_servers: ['hs2'], blocked_servers: ['*'] }, '@eve:hs3', 'block'],
    [{ ignored_servers: ['hs2'], blocked_servers: ['*'] }, '@eve:hs2', 'ignore'],
    [{ allowed_servers: ['hs2'], blocked_users: ['@eve:*'] }, '@eve:hs2', 'block'],
    [{ blocked_servers: ['hs2'], allowed_users: ['@eve:hs2'] }, '@eve:hs2', 'allow'],
    [{ enabled: false, blocked_users: ['*'] }, '@eve:hs2', 'allow'],
    [{ blocked_users: '*' }, '@eve:hs2', 'allow'],
    [{ blocked_users: [1, null, { '*': 1 }, '', '*'.repeat(256)] }, '@eve:hs2', 'allow'],
  ])('%j: %s, %s', (filters, inviter, expected) => {
    expect(filtered(filters, inviter)).toBe(expected);
  });

  it('are bounded by their wildcards alone', () => {
    const list = (glob: string) => Array.from({ length: 1000 }, (_, i) => `@u${i}:${glob}`);
    expect(filtered({ blocked_users: [...list('hs3'), '@eve:hs2'] })).toBe('block');
    expect(filtered({ blocked_users: [...list('*'), '@eve:hs2'] })).toBe('block');
    expect(filtered({ blocked_users: [...list('*'), '@eve:*'] })).toBe('allow');
  });
});
