import { describe, expect, it } from '@jest/globals';
import { isXMatrix, parseXMatrix } from './x-matrix-header.js';

const PARSED = { origin: 'hs2', destination: 'hs1', key: 'ed25519:k1', signature: 'a+/b' };

describe('an X-Matrix header', () => {
  it.each([
    ['as senders write it', 'X-Matrix origin="hs2",destination="hs1",key="ed25519:k1",sig="a+/b"'],
    ['in any order and case', 'x-matrix   SIG="a+/b",KEY="ed25519:k1",Destination="hs1",oRigin="hs2"'],
    ['with blanks around commas', 'X-Matrix origin=hs2 , destination=hs1\t,\tkey="ed25519:k1" ,sig="a+/b" '],
    [
      'with blanks around equals signs',
      'X-Matrix origin = hs2,destination= "hs1",key=ed25519:k1,sig ="a+/b"',
    ],
    ['with colons outside of quotes', 'X-Matrix origin=hs2,destination=hs1,key=ed25519:k1,sig="a+/b"'],
    [
      'with escaped characters',
      String.raw`X-Matrix origin="h\s2",destination="hs1",key="ed25519\:k1",sig="a+/b"`,
    ],
    ['with empty list elements', 'X-Matrix ,,origin=hs2,,destination=hs1, ,key="ed25519:k1",sig="a+/b",'],
    [
      'with unknown parameters',
      'X-Matrix v=1,origin=hs2,x="a,sig=\\"b",destination=hs1,key="ed25519:k1",sig="a+/b"',
    ],
    [
      'with the signature by its long name',
      'X-Matrix origin=hs2,destination=hs1,key=ed25519:k1,signature="a+/b"',
    ],
  ])('is read %s', (_, header) => {
    expect(isXMatrix(header)).toBe(true);
    expect(parseXMatrix(header)).toEqual(PARSED);
  });

  it('may leave the destination out', () => {
    expect(parseXMatrix('X-Matrix origin=hs2,key="ed25519:k1",sig="a+/b"')).toEqual({
      origin: 'hs2',
      key: 'ed25519:k1',
      signature: 'a+/b',
    });
  });

  it.each([
    'X-Matrix ',
    'X-Matrix origin=hs2,key="ed25519:k1"',
    'X-Matrix origin=hs2,sig="a+/b"',
    'X-Matrix key="ed25519:k1",sig="a+/b"',
    'X-Matrix origin=hs2 key="ed25519:k1" sig="a+/b"',
    'X-Matrix origin=hs2,key="ed25519:k1",sig="a+/b',
    'X-Matrix origin=hs2,key="ed25519:k1",sig=a+/b',
    'X-Matrix origin=hs2,origin=hs3,key="ed25519:k1",sig="a+/b"',
    'X-Matrix origin="hs2"x,key="ed25519:k1",sig="a+/b"',
  ])('is malformed: %s', (header) => {
    expect(parseXMatrix(header)).toBeUndefined();
  });

  it.each(['Bearer x', 'X-Matrixorigin=hs2', 'Basic X-Matrix origin=hs2'])('is not: %s', (header) => {
    expect(isXMatrix(header)).toBe(false);
  });
});
