import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CanonicalJsonError } from './canonical-json-error.js';
import { numberText } from './number-text.js';

const textOf = (source: string) => numberText(JSON.rawJSON(source));

describe('numberText', () => {
  /** What Python's `json.dumps(json.loads(source))` answers. */
  it.each([
    ['0', '0'],
    ['-0', '0'],
    ['-1', '-1'],
    ['9007199254740993', '9007199254740993'],
    ['9223372036854775807', '9223372036854775807'],
    ['-9223372036854775809', '-9223372036854775809'],
    ['100000000000000000000000000000000000000001', '100000000000000000000000000000000000000001'],
    ['0.0', '0.0'],
    ['-0.0', '-0.0'],
    ['0e5', '0.0'],
    ['-0e5', '-0.0'],
    ['1.0', '1.0'],
    ['1.50', '1.5'],
    ['100.0e-2', '1.0'],
    ['1.0E+2', '100.0'],
    ['0.1', '0.1'],
    ['1e10', '10000000000.0'],
    ['1E10', '10000000000.0'],
    ['1e15', '1000000000000000.0'],
    ['9999999999999998.0', '9999999999999998.0'],
    ['9007199254740993.0', '9007199254740992.0'],
    ['1e16', '1e+16'],
    ['-1e+16', '-1e+16'],
    ['99999999999999990.0', '9.999999999999998e+16'],
    ['123456789012345680.0', '1.2345678901234568e+17'],
    ['12345678901234567890.5', '1.2345678901234567e+19'],
    ['1e21', '1e+21'],
    ['1e23', '1e+23'],
    ['1e-4', '0.0001'],
    ['0.00012345', '0.00012345'],
    ['1e-5', '1e-05'],
    ['-0.00001', '-1e-05'],
    ['9.5e-7', '9.5e-07'],
    ['1.5e-100', '1.5e-100'],
    ['5e-324', '5e-324'],
    ['4.9e-324', '5e-324'],
    ['2e-324', '0.0'],
    ['-1e-400', '-0.0'],
    ['1.7976931348623157e308', '1.7976931348623157e+308'],
  ])('writes %s as %s', (source, expected) => {
    expect(textOf(source)).toBe(expected);
  });

  it('writes numbers of JavaScript in the same way', () => {
    expect([0, -0, 7, -7, 0.5, 1e-7].map(numberText)).toEqual(['0', '0', '7', '-7', '0.5', '1e-07']);
  });

  it.each(['1e400', '-1.8e308', `${'9'.repeat(400)}.0`])(
    'refuses %s, which Python calls infinite',
    (source) => {
      expect(() => textOf(source)).toThrow(CanonicalJsonError);
    },
  );

  it('refuses what no JSON can hold', () => {
    for (const number of [NaN, Infinity, -Infinity]) {
      expect(() => numberText(number)).toThrow(CanonicalJsonError);
    }
  });

  it('keeps the digits of the longest integers, at once', () => {
    const digits = '7'.repeat(5_000_000);
    expect(textOf(digits) === digits).toBe(true);
  });

  it('writes every double so that it reads back as the same, with a point or an exponent', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = textOf(Object.is(value, -0) ? '-0e0' : value.toExponential());
        expect(Number(text)).toBe(value);
        expect(text).toMatch(/^-?[0-9]+(\.[0-9]+)?(e[+-][0-9]{2,})?$/);
        expect(text).toMatch(/[.e]/);
      }),
    );
  });
});
