import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { splitStateKey, stateKey } from './state-map.js';

it('gives back the type and the state key that were joined', () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(':', '1', '\u0000', '😀') }));
  fc.assert(
    fc.property(text, text, (type, key) => {
      expect(splitStateKey(stateKey(type, key))).toEqual([type, key]);
    }),
  );
});
