import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@atoll/matrix';
import { signJson, verifySignedJson } from './signed-json.js';
import { generateSigningKey, parseSigningKey } from './signing-key.js';

/** The key of the specification's vectors. @see https://spec.matrix.org/v1.19/appendices/#cryptographic-test-vectors */
const key = parseSigningKey('ed25519 1 YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1');
const verify = (object: JsonObject) => verifySignedJson(object, 'domain', 'ed25519:1', key.publicKey);

describe('signed JSON', () => {
  it.each([
    [{}, 'K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ'],
    [
      { one: 1, two: 'Two' },
      'KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw',
    ],
  ])('agrees with the specification on %j', async (object: JsonObject, signature) => {
    const signed = await signJson(object, 'domain', key);
    expect(signed).toEqual({ ...object, signatures: { domain: { 'ed25519:1': signature } } });
    expect(await verify(signed)).toBe(true);
  });

  it('keeps unsigned and other signatures, and covers neither', async () => {
    const other = generateSigningKey();
    const once = await signJson({ a: 1, unsigned: { age: 5 } }, 'domain', other);
    const twice = await signJson(await signJson(once, 'domain', key), 'elsewhere', other);
    expect(Object.keys(twice.signatures['domain'] ?? {})).toEqual([other.keyId, key.keyId]);
    expect(twice.unsigned).toEqual({ age: 5 });
    expect(await verify({ ...twice, unsigned: { age: 6 } })).toBe(true);
    expect(await verifySignedJson(twice, 'elsewhere', other.keyId, other.publicKey)).toBe(true);
  });

  it('refuses a changed, added or removed property', async () => {
    const signed = await signJson({ a: 1, b: { c: 'x' } }, 'domain', key);
    expect(await verify({ ...signed, a: 2 })).toBe(false);
    expect(await verify({ ...signed, d: null })).toBe(false);
    expect(await verify({ ...signed, b: {} })).toBe(false);
    expect(
      await verify(JSON.parse(JSON.stringify(signed).replace('{', '{"__proto__":1,')) as JsonObject),
    ).toBe(false);
  });

  it.each<[string, JsonObject]>([
    ['no signatures', {}],
    ['signatures of the wrong type', { signatures: 'x' }],
    ['a signature list', { signatures: { domain: ['x'] } }],
    ['a signature number', { signatures: { domain: { 'ed25519:1': 7 } } }],
    ['a float', { a: 1.5, signatures: { domain: { 'ed25519:1': 'AAAA' } } }],
  ])('says no to %s', async (_name, object) => {
    expect(await verify(object)).toBe(false);
  });

  it('looks only at own properties and at ed25519', async () => {
    const signed = await signJson({}, 'domain', key);
    expect(await verifySignedJson(signed, 'constructor', 'ed25519:1', key.publicKey)).toBe(false);
    expect(await verifySignedJson(signed, 'domain', 'toString', key.publicKey)).toBe(false);
    const renamed = { signatures: { domain: { 'rot13:1': signed.signatures['domain']?.['ed25519:1'] } } };
    expect(await verifySignedJson(renamed, 'domain', 'rot13:1', key.publicKey)).toBe(false);
  });
});
