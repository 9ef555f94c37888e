import { randomBytes } from 'node:crypto';
import { generateSigningKey, parseSigningKey } from '@atoll/event-crypto';
import type { JsonObject, Pdu, ServerName } from '@atoll/matrix';
import { describe, expect, it } from '@jest/globals';
import { signEvent } from './event/build-event.js';
import { redactEvent } from './event/redact-event.js';
import { eventJson, foreignEvent, rulesFor } from './event/test-event.spec-support.js';
import {
  isSignedByPolicyServer,
  needsPolicySignature,
  POLICY_KEY_ID,
  policyServerIn,
  withPolicySignature,
} from './policy-server.js';
import { supportedRoomVersions } from './room-version-rules.js';

const alpha = 'alpha.org' as ServerName;
const policy = 'policy.org:8448' as ServerName;
const alphaKey = generateSigningKey();
const keyOf = (version: string, seed: Buffer) =>
  parseSigningKey(`ed25519 ${version} ${seed.toString('base64').replace('=', '')}`);
const SEED = randomBytes(32);
const policyKey = keyOf('policy_server', SEED);
const server = { name: policy, publicKey: policyKey.publicKey };

describe('policyServerIn', () => {
  it('needs a server name and a key', () => {
    const content = { via: policy, public_keys: { ed25519: 'key', other: 'x' }, more: 1 };
    expect(policyServerIn(content)).toEqual({ name: policy, publicKey: 'key' });
  });

  it.each<JsonObject>([
    {},
    { via: policy },
    { via: 1, public_keys: { ed25519: 'key' } },
    { via: '', public_keys: { ed25519: 'key' } },
    { via: 'no server', public_keys: { ed25519: 'key' } },
    { via: policy, public_keys: [] },
    { via: policy, public_keys: 'ed25519' },
    { via: policy, public_keys: null },
    { via: policy, public_keys: {} },
    { via: policy, public_keys: { ed25519: 1 } },
    { via: policy, public_keys: { curve25519: 'key' } },
  ])('finds none in %j', (content) => {
    expect(policyServerIn(content)).toBeUndefined();
  });
});

it.each([
  ['m.room.policy', '', false],
  ['m.room.policy', undefined, true],
  ['m.room.policy', 'x', true],
  ['m.room.message', undefined, true],
  ['m.room.member', '@a:alpha.org', true],
  ['m.room.topic', '', true],
])('whether %s with the key %j needs a signature: %s', (type, key, needs) => {
  expect(needsPolicySignature({ type, ...(key !== undefined && { state_key: key }) })).toBe(needs);
});

describe.each(supportedRoomVersions)('the signature of a policy server in room version $version', (rules) => {
  const event = (): Promise<Pdu> =>
    foreignEvent(JSON.stringify(eventJson(rules)), rules, [[alpha, alphaKey]]);
  const signed = async (key = policyKey, name = policy) => signEvent(await event(), rules, name, key);
  const check = (pdu: Pdu) => isSignedByPolicyServer(pdu, server, rules);

  it('counts over the redacted event, by the key of the room', async () => {
    expect(await check(await signed())).toBe(true);
    expect(await check(redactEvent(await signed(), rules))).toBe(true);
  });

  it('is missed, of another key, and of another server', async () => {
    expect(await check(await event())).toBe(false);
    expect(await check(await signed(keyOf('policy_server', randomBytes(32))))).toBe(false);
    expect(await check(await signed(keyOf('1', SEED)))).toBe(false);
    expect(await check(await signed(policyKey, alpha))).toBe(false);
    const { sender: _, ...rest } = await signed();
    expect(await check({ ...rest, sender: '@b:alpha.org' } as Pdu)).toBe(false);
    const keyless = { name: policy, publicKey: 'no key' };
    expect(await isSignedByPolicyServer(await signed(), keyless, rules)).toBe(false);
  });
});

it('stands beside the other signatures, those of the same server among them', async () => {
  const rules = rulesFor('12');
  const pdu = await foreignEvent(JSON.stringify(eventJson(rules)), rules, [[alpha, alphaKey]]);
  const own = { name: alpha, publicKey: policyKey.publicKey };
  const first = withPolicySignature(pdu, own, 'old');
  expect(withPolicySignature(first, own, 'new').signatures).toEqual({
    [alpha]: { ...pdu.signatures[alpha], [POLICY_KEY_ID]: 'new' },
  });
  expect(withPolicySignature(pdu, server, 's').signatures).toEqual({
    ...pdu.signatures,
    [policy]: { [POLICY_KEY_ID]: 's' },
  });
});
