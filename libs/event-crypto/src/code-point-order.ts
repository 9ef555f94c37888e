const SURROGATE = /[\ud800-\udfff]/;

/** True when ordering by UTF-16 code units, as JavaScript does, may differ for this text from ordering by code points. */
export function mayDifferByCodePoint(text: string): boolean {
  return SURROGATE.test(text);
}

/** Orders well-formed strings by Unicode code point: surrogates stand for what lies above U+FFFF. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

const rank = (unit: number) => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);
