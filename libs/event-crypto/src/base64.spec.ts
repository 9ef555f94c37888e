import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeUnpaddedBase64, encodeUnpaddedBase64, encodeUrlSafeUnpaddedBase64 } from './base64.js';

describe('unpadded Base64', () => {
  it.each([
    ['', ''],
    ['f', 'Zg'],
    ['fo', 'Zm8'],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg'],
    ['fooba', 'Zm9vYmE'],
    ['foobar', 'Zm9vYmFy'],
  ])('agrees with the specification on "%s"', (text, encoded) => {
    expect(encodeUnpaddedBase64(Buffer.from(text))).toBe(encoded);
    expect(decodeUnpaddedBase64(encoded)?.toString()).toBe(text);
  });

  it('uses the alphabet that the name says', () => {
    const bytes = Uint8Array.of(0xfb, 0xff, 0xfe);
    expect(encodeUnpaddedBase64(bytes)).toBe('+//+');
    expect(encodeUrlSafeUnpaddedBase64(bytes)).toBe('-__-');
    expect(decodeUnpaddedBase64('-__-')).toBeUndefined();
  });

  it.each(['Z', 'Zg=', 'Zg===', 'Zm9v=', 'Zm9v==', 'Z g', 'Zg\n', '=', '=Zg', 'Zé', '日本'])(
    'refuses %j',
    (text) => {
      expect(decodeUnpaddedBase64(text)).toBeUndefined();
    },
  );

  it('decodes what it and others encode, padded or not', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const buffer = Buffer.from(bytes);
        expect(decodeUnpaddedBase64(encodeUnpaddedBase64(bytes))).toEqual(buffer);
        expect(decodeUnpaddedBase64(buffer.toString('base64'))).toEqual(buffer);
      }),
    );
  });
});
