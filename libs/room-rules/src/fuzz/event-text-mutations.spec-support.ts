import { junkValue, KEYS, nestedText, NO_NUMBERS, NUMBERS } from './event-junk.spec-support.js';
import type { Random } from './event-random.spec-support.js';

/** Changes one thing about JSON text. `other` is the text of a different event, to take pieces from. */
type TextChange = (text: string, other: string, random: Random) => string;

const NUMBER = /-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/g;
const KEY = /"(?:[^"\\]|\\.)*":/g;
const CHARACTERS = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  '\\',
  ' ',
  '\n',
  '0',
  '9',
  '.',
  'e',
  '-',
  '\\u0000',
  '\ud800',
  '\ufeff',
  'é',
  '\0',
];

function spot(text: string, pattern: RegExp, random: Random): RegExpMatchArray | undefined {
  const matches = [...text.matchAll(pattern)];
  return matches.length > 0 ? random.pick(matches) : undefined;
}

const replaced = (text: string, from: number, length: number, by: string) =>
  text.slice(0, from) + by + text.slice(from + length);

function pieceOf(text: string, random: Random): string {
  const from = random.below(text.length);
  return text.slice(from, from + 1 + random.below(random.pick([4, 40, 400])));
}

/** The same number in another notation, at least sometimes. */
function otherNotation(number: string, random: Random): string {
  return random.pick([
    `${number}.0`,
    `${number}e0`,
    `${number}0e-1`,
    `-${number}`,
    `0${number}`,
    `${number}1`,
  ]);
}

const CHANGES: readonly TextChange[] = [
  function flippedBit(text, _other, random) {
    const bytes = Buffer.from(text);
    if (bytes.length === 0) return text;
    const index = random.below(bytes.length);
    bytes.writeUInt8(bytes.readUInt8(index) ^ (1 << random.below(8)), index);
    return bytes.toString();
  },
  (text, _other, random) => replaced(text, random.below(text.length + 1), 0, random.pick(CHARACTERS)),
  (text, _other, random) =>
    replaced(text, random.below(text.length + 1), 1 + random.below(random.pick([1, 1, 30])), ''),
  (text, _other, random) => replaced(text, random.below(text.length + 1), 0, pieceOf(text, random)),
  (text, other, random) =>
    replaced(text, random.below(text.length + 1), random.below(30), pieceOf(other, random)),
  function anotherNumber(text, _other, random) {
    const match = spot(text, NUMBER, random);
    if (match?.index === undefined) return text;
    const by = random.oneIn(2)
      ? otherNotation(match[0], random)
      : random.pick(random.oneIn(4) ? NO_NUMBERS : NUMBERS);
    return replaced(text, match.index, match[0].length, by);
  },
  function escaped(text, _other, random) {
    const match = spot(text, /[A-Za-z@!$:._]/g, random);
    if (match?.index === undefined) return text;
    const code = match[0].charCodeAt(0).toString(16).padStart(4, '0');
    return replaced(text, match.index, 1, random.oneIn(8) ? `\\u${code.slice(1)}` : `\\u${code}`);
  },
  function repeatedKey(text, _other, random) {
    const at = spot(text, KEY, random);
    const name = random.oneIn(3) ? `${JSON.stringify(random.pick(KEYS))}:` : spot(text, KEY, random)?.[0];
    if (at?.index === undefined || name === undefined) return text;
    return replaced(text, at.index, 0, `${name}${JSON.stringify(junkValue(random))},`);
  },
  function lastKey(text, _other, random) {
    const name = random.oneIn(2) ? `${JSON.stringify(random.pick(KEYS))}:` : spot(text, KEY, random)?.[0];
    const end = text.lastIndexOf('}');
    return name === undefined || end < 0
      ? text
      : replaced(text, end, 0, `,${name}${JSON.stringify(junkValue(random))}`);
  },
  function space(text, _other, random) {
    const match = spot(text, /[,:{}[\]]/g, random);
    return match?.index === undefined
      ? text
      : replaced(text, match.index + 1, 0, random.pick([' ', '\n', '\t', '\r', '\v']));
  },
  function deeper(text, _other, random) {
    const match = spot(text, KEY, random);
    return match?.index === undefined
      ? text
      : replaced(text, match.index, 0, `"deep":${nestedText(random)},`);
  },
  (text, _other, random) => text.slice(0, random.below(text.length + 1)),
];

/** One to three changes to the text of an event. */
export function mutatedText(text: string, other: string, random: Random): string {
  let mutated = text;
  for (let count = 1 + random.below(3); count > 0; count -= 1)
    mutated = random.pick(CHANGES)(mutated, other, random);
  return mutated;
}
