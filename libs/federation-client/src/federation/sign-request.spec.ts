import {
  canonicalJson,
  CanonicalJsonError,
  generateSigningKey,
  lenientCanonicalJson,
  parseExactJson,
  verifySignature,
} from '@atoll/event-crypto';
import type { JsonValue, ServerName } from '@atoll/matrix';
import { describe, expect, it } from '@jest/globals';
import { signRequest } from './sign-request.js';

const origin = 'hs1.example:8448' as ServerName;
const destination = '[2a00::1]:8448' as ServerName;
const key = generateSigningKey();

const FORMAT =
  /^X-Matrix origin="hs1\.example:8448",destination="\[2a00::1\]:8448",key="([^"\\]+)",sig="([^"\\]+)"$/;

async function verified(header: string, message: string): Promise<boolean> {
  const [, keyId, sig = ''] = FORMAT.exec(header) ?? [];
  expect(keyId).toBe(key.keyId);
  return await verifySignature(Buffer.from(message), sig, key.publicKey);
}

describe('the Authorization header', () => {
  it('covers method, target, both servers and the content', async () => {
    const uri = '/_matrix/federation/v1/send/1?a=%20b';
    const content = { pdus: [], b: { a: 'é' } };
    const header = await signRequest({ method: 'PUT', uri, destination, content }, origin, key);
    const expected = { method: 'PUT', uri, origin, destination, content };
    expect(await verified(header, canonicalJson(expected))).toBe(true);
    expect(await verified(header, canonicalJson({ ...expected, method: 'POST' }))).toBe(false);
  });

  it('covers no content when there is none, and null when that is the content', async () => {
    const request = { method: 'GET', uri: '/_matrix/x', destination };
    const header = await signRequest(request, origin, key);
    expect(await verified(header, canonicalJson({ ...request, origin }))).toBe(true);
    const withNull = await signRequest({ ...request, content: null }, origin, key);
    expect(await verified(withNull, canonicalJson({ ...request, origin, content: null }))).toBe(true);
  });

  it('covers numbers of old events as they came', async () => {
    const content = parseExactJson('{"a":1.0,"b":1e400}') as JsonValue;
    const request = { method: 'PUT', uri: '/_matrix/x', destination };
    await expect(signRequest({ ...request, content }, origin, key)).rejects.toThrow(CanonicalJsonError);
    const plain = parseExactJson('{"a":1.5}') as JsonValue;
    const header = await signRequest({ ...request, content: plain }, origin, key);
    expect(await verified(header, lenientCanonicalJson({ ...request, origin, content: plain }))).toBe(true);
  });
});
