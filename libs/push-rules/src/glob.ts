import { LOOKED_AT, SEARCHED, type Work } from './work.js';

/** A longer glob matches nothing. */
export const MAX_GLOB_LENGTH = 512;

/** Characters, either as they lie in a string or, where `?` could meet one that takes two units there, one by one. */
type Characters = string | readonly string[];

/** Where a match may start or end. */
type IsEdge = (text: Characters, at: number) => boolean;

const isEnd: IsEdge = (text, at) => at === 0 || at === text.length;

/** The start, the end, and beside any character that is not of a word. */
const isWordBoundary: IsEdge = (text, at) => isEnd(text, at) || !isWord(text[at - 1]) || !isWord(text[at]);

function isWord(character = ''): boolean {
  const code = character.charCodeAt(0);
  const isDigit = code >= 0x30 && code <= 0x39;
  const isLetter = (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);
  return isDigit || isLetter || code === 0x5f;
}

/**
 * A glob, ready to be compared with many texts. What lies between the stars is looked for from left to right, each as early as it goes,
 * which finds a match if there is one and never goes back: no glob takes more steps than the product of both lengths.
 * Letters match whatever their case: texts are to be given in lower case.
 * @see https://spec.matrix.org/v1.19/appendices/#glob-style-matching
 */
export class Glob {
  private readonly parts: readonly Characters[];

  private constructor(
    parts: readonly string[],
    private readonly hasWildcards: boolean,
  ) {
    const lower = parts.map((part) => part.toLowerCase());
    this.parts = hasWildcards ? lower.map((part) => Array.from(part)) : lower;
  }

  /** @returns undefined for a glob that is too long to match anything */
  static of(glob: string): Glob | undefined {
    return glob.length > MAX_GLOB_LENGTH ? undefined : new Glob(glob.split('*'), glob.includes('?'));
  }

  /** Text that stands for itself. */
  static literal(text: string): Glob | undefined {
    return text.length > MAX_GLOB_LENGTH ? undefined : new Glob([text], false);
  }

  /** Whether it matches all of the text. */
  matches(text: string, work: Work): boolean {
    const [only] = this.parts;
    if (this.parts.length === 1 && typeof only === 'string') return text === only;
    return this.test(text, isEnd, work);
  }

  /** Whether it matches some of the text that starts and ends at a word boundary. */
  matchesWords(text: string, work: Work): boolean {
    return this.test(text, isWordBoundary, work);
  }

  private test(text: string, isEdge: IsEdge, work: Work): boolean {
    const apart = this.hasWildcards && /[\u{10000}-\u{10FFFF}]/u.test(text);
    const characters = apart ? Array.from(text) : text;
    work.left -= this.hasWildcards ? text.length : 0;
    const find = new Search(characters, this.hasWildcards, isEdge, work);
    let from = 0;
    for (const [index, part] of this.parts.entries()) {
      const isFirst = index === 0;
      const isLast = index === this.parts.length - 1;
      // A star at the edge reaches to the edge of the text.
      if (part.length === 0 && this.parts.length > 1 && (isFirst || isLast)) continue;
      const end = find.endOf(part, from, isFirst, isLast);
      if (end === undefined) return false;
      from = end;
    }
    return true;
  }
}

/** Looks for the parts of a glob in one text. */
class Search {
  constructor(
    private readonly text: Characters,
    private readonly hasWildcards: boolean,
    private readonly isEdge: IsEdge,
    private readonly work: Work,
  ) {}

  /** Where the part's earliest occurrence ends, from `from` on; its start, its end or both must be at an edge. */
  endOf(part: Characters, from: number, atStart: boolean, atEnd: boolean): number | undefined {
    const { text, isEdge, work } = this;
    if (isEdge === isEnd && (atStart || atEnd)) {
      const at = atStart ? from : Math.max(from, text.length - part.length);
      const end = at + part.length;
      return (atEnd ? end === text.length : end <= text.length) && this.occursAt(part, at) ? end : undefined;
    }
    for (let at = this.next(part, from); at >= 0 && work.left >= 0; at = this.next(part, at + 1)) {
      const end = at + part.length;
      work.left -= LOOKED_AT;
      if ((!atStart || isEdge(text, at)) && (!atEnd || isEdge(text, end))) return end;
    }
    return undefined;
  }

  /** The next occurrence at or after `from`, or -1. */
  private next(part: Characters, from: number): number {
    const { text, work } = this;
    if (typeof text === 'string' && typeof part === 'string') {
      // Of a string that is empty or ends before it, indexOf would go on for ever.
      if (from > text.length) return -1;
      const at = text.indexOf(part, from);
      work.left -= ((at < 0 ? text.length : at + part.length) - from) * SEARCHED;
      return at;
    }
    for (let at = from; at + part.length <= text.length && work.left >= 0; at++) {
      if (this.occursAt(part, at)) return at;
    }
    return -1;
  }

  private occursAt(part: Characters, at: number): boolean {
    for (let i = 0; i < part.length; i++) {
      this.work.left--;
      if (part[i] !== this.text[at + i] && !(this.hasWildcards && part[i] === '?')) return false;
    }
    return true;
  }
}
