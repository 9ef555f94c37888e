import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { formatSigningKey, generateSigningKey, parseSigningKey } from './signing-key.js';
import { verifySignature } from './verify-signature.js';

const LINE = 'ed25519 1 YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA0';

describe('signing keys', () => {
  it('are read from and written to the shared file format', () => {
    const key = parseSigningKey(`${LINE}\n`);
    expect(key.keyId).toBe('ed25519:1');
    expect(formatSigningKey(key)).toBe(`${LINE}\n`);
    expect(parseSigningKey(`  ${LINE.replaceAll(' ', '\t')}\r\n${LINE}`).publicKey).toBe(key.publicKey);
  });

  it('are new each time and survive a round trip', async () => {
    const key = generateSigningKey();
    expect(key.publicKey).not.toBe(generateSigningKey().publicKey);
    const again = parseSigningKey(formatSigningKey(key));
    expect(again.keyId).toBe(key.keyId);
    const message = Buffer.from('message');
    expect(await verifySignature(message, await again.sign(message), key.publicKey)).toBe(true);
  });

  it.each([
    '',
    'ed25519',
    'ed25519 1',
    'ed25519 1 c2hvcnQ',
    'ed25519 a:b YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1',
    'curve25519 1 YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1',
    `${LINE} more`,
    '-----BEGIN PRIVATE KEY-----',
  ])('refuse the text %j without repeating it', (text) => {
    expect(() => parseSigningKey(text)).toThrow(/must (read|match)/);
  });

  it('give the same secret for a purpose, another for another, never their seed', () => {
    const [key, again] = [parseSigningKey(LINE), parseSigningKey(LINE)];
    expect(key.derivedSecret('one')).toEqual(again.derivedSecret('one'));
    expect(key.derivedSecret('one')).toHaveLength(32);
    expect(key.derivedSecret('one')).not.toEqual(key.derivedSecret('two'));
    expect(key.derivedSecret('')).not.toEqual(key.seed());
  });

  it('do not show their seed when printed', () => {
    const shown =
      inspect(parseSigningKey(LINE), { depth: 9, showHidden: true }) + JSON.stringify(parseSigningKey(LINE));
    expect(shown).not.toContain('YJDBA9Xnr2sV');
    expect(shown).toContain('ed25519:1');
  });
});
