import { describe, expect, it } from '@jest/globals';
import type { JsonObject, ServerName } from '@atoll/matrix';
import { isServerAllowed } from './server-acl.js';

const isAllowed = (acl: JsonObject | undefined, name: string) => isServerAllowed(acl, name as ServerName);

describe('a server ACL', () => {
  it('that is absent allows everybody', () => {
    expect(isAllowed(undefined, 'evil.example')).toBe(true);
    expect(isAllowed(undefined, '1.2.3.4')).toBe(true);
  });

  it.each<[string, JsonObject]>([
    ['no lists', {}],
    ['an empty allow', { allow: [] }],
    ['an allow that is no list', { allow: '*' }],
    ['an allow without strings', { allow: [null, 1, ['*'], { '*': true }] }],
  ])('with %s allows nobody', (_, acl) => {
    expect(isAllowed(acl, 'good.example')).toBe(false);
  });

  it.each<[string, string, boolean]>([
    ['*', 'good.example', true],
    ['good.example', 'good.example', true],
    ['good.example', 'GOOD.example', true],
    ['Good.Example', 'good.example', true],
    ['good.example', 'sub.good.example', false],
    ['*.example', 'a.b.example', true],
    ['*.example', 'example', false],
    ['*example', 'example', true],
    ['?ood.example', 'good.example', true],
    ['?ood.example', 'ood.example', false],
    ['good.*', 'good.', true],
    ['g*d.*ample', 'good.example', true],
    ['g*d.*amples', 'good.example', false],
    ['goodxexample', 'good.example', false],
    ['good.example', 'goodxexample', false],
    ['[', 'good.example', false],
    ['', 'good.example', false],
    ['**', 'good.example', true],
  ])('with the glob %j: %s %s', (glob, name, allowed) => {
    expect(isAllowed({ allow: [glob] }, name)).toBe(allowed);
    expect(isAllowed({ allow: ['*'], deny: [glob] }, name)).toBe(!allowed);
  });

  it('never looks at the port', () => {
    expect(isAllowed({ allow: ['*'], deny: ['evil.com'] }, 'evil.com:8448')).toBe(false);
    expect(isAllowed({ allow: ['*'], deny: ['evil.com:8448'] }, 'evil.com:8448')).toBe(true);
    expect(isAllowed({ allow: ['[::1]'] }, '[::1]:8448')).toBe(true);
    expect(isAllowed({ allow: ['[::1]'] }, '[::1]')).toBe(true);
  });

  it('that forbids IP literals denies them, of both kinds, with and without a port', () => {
    const acl = { allow: ['*'], allow_ip_literals: false };
    for (const name of ['1.2.3.4', '1.2.3.4:8448', '[2001:db8::1]', '[2001:db8::1]:80'])
      expect(isAllowed(acl, name)).toBe(false);
    for (const name of ['1.2.3.example', '1.2.3', 'a1.2.3.4']) expect(isAllowed(acl, name)).toBe(true);
  });

  it.each([true, undefined, null, 'false', 0])('allows IP literals when the setting is %j', (setting) => {
    expect(isAllowed({ allow: ['*'], allow_ip_literals: setting }, '1.2.3.4')).toBe(true);
  });

  it('passes over what is no string in a list, and a deny that is no list', () => {
    expect(isAllowed({ allow: [7, '*'], deny: [null, 'evil.*'] }, 'evil.com')).toBe(false);
    expect(isAllowed({ allow: ['*'], deny: 'evil.com' }, 'evil.com')).toBe(true);
  });

  it('is matched in few steps, whatever its globs', () => {
    const allow = Array<string>(30).fill(`${'*a'.repeat(1_000)}b`);
    expect(isAllowed({ allow }, 'a'.repeat(230))).toBe(false);
  });
});
