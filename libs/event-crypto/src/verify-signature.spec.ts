import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import sodium from 'libsodium-wrappers';
import { decodeUnpaddedBase64, encodeUnpaddedBase64 } from './base64.js';
import { generateSigningKey } from './signing-key.js';
import { verifySignature } from './verify-signature.js';

const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const MESSAGE = Buffer.from('message');

const littleEndian = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
const encoded = (scalar: bigint) => Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex').reverse();
const bytesOf = (base64: string) => decodeUnpaddedBase64(base64) ?? Buffer.alloc(0);

/** Every encoding of a point of order 1, 2, 4 or 8, canonical or not. */
const SMALL_ORDER_POINTS = [
  `01${'00'.repeat(31)}`,
  `01${'00'.repeat(30)}80`,
  `ec${'ff'.repeat(30)}7f`,
  `ec${'ff'.repeat(31)}`,
  '00'.repeat(32),
  `${'00'.repeat(31)}80`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  `ed${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(31)}`,
  `ee${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(31)}`,
].map((hex) => Buffer.from(hex, 'hex'));

/** What node:crypto and libsodium say about a signature of MESSAGE. */
async function verdicts(signature: Uint8Array, publicKey: Uint8Array): Promise<boolean[]> {
  const ours = await verifySignature(
    MESSAGE,
    encodeUnpaddedBase64(signature),
    encodeUnpaddedBase64(publicKey),
  );
  return [ours, sodium.crypto_sign_verify_detached(signature, MESSAGE, publicKey)];
}

describe('verifySignature', () => {
  beforeAll(async () => {
    await sodium.ready;
  });

  it('accepts what libsodium signs, and libsodium what we sign', async () => {
    const pair = sodium.crypto_sign_keypair();
    const signature = sodium.crypto_sign_detached(MESSAGE, pair.privateKey);
    expect(await verdicts(signature, pair.publicKey)).toEqual([true, true]);
    const key = generateSigningKey();
    expect(await verdicts(bytesOf(await key.sign(MESSAGE)), bytesOf(key.publicKey))).toEqual([true, true]);
  });

  it('refuses each changed bit of a signature, as libsodium does', async () => {
    const key = generateSigningKey();
    const signature = bytesOf(await key.sign(MESSAGE));
    for (let bit = 0; bit < 512; bit += 7) {
      const changed = Buffer.from(signature);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(await verdicts(changed, bytesOf(key.publicKey))).toEqual([false, false]);
    }
  });

  it('refuses S + L, as libsodium does', async () => {
    const key = generateSigningKey();
    const signature = bytesOf(await key.sign(MESSAGE));
    const malleated = encoded(littleEndian(signature.subarray(32)) + GROUP_ORDER);
    const forged = Buffer.concat([signature.subarray(0, 32), malleated]);
    expect(await verdicts(forged, bytesOf(key.publicKey))).toEqual([false, false]);
  });

  it('refuses small-order keys, canonical or not, with which anyone could sign, as libsodium does', async () => {
    const key = generateSigningKey();
    const scalar = createHash('sha512').update(key.seed()).digest().subarray(0, 32);
    scalar.writeUInt8(scalar.readUInt8(0) & 248, 0);
    scalar.writeUInt8((scalar.readUInt8(31) & 127) | 64, 31);
    const honestLooking = Buffer.concat([
      bytesOf(key.publicKey),
      encoded(littleEndian(scalar) % GROUP_ORDER),
    ]);
    for (const point of SMALL_ORDER_POINTS) {
      expect(await verdicts(honestLooking, point)).toEqual([false, false]);
      for (const nonce of SMALL_ORDER_POINTS) {
        expect(await verdicts(Buffer.concat([nonce, Buffer.alloc(32)]), point)).toEqual([false, false]);
      }
    }
  });

  it('refuses points that are no points, as libsodium does', async () => {
    const signature = bytesOf(await generateSigningKey().sign(MESSAGE));
    for (const hex of [`02${'00'.repeat(31)}`, 'ff'.repeat(32), `f1${'ff'.repeat(30)}7f`]) {
      expect(await verdicts(signature, Buffer.from(hex, 'hex'))).toEqual([false, false]);
    }
  });

  it.each(['', '!', 'AAAA', '\ud800', 'A'.repeat(86), 'A'.repeat(100_000)])(
    'says no to garbage %#',
    async (garbage) => {
      const key = generateSigningKey();
      expect(await verifySignature(MESSAGE, garbage, key.publicKey)).toBe(false);
      expect(await verifySignature(MESSAGE, await key.sign(MESSAGE), garbage)).toBe(false);
    },
  );
});
