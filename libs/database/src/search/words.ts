/** Of one text, in UTF-16 units; what follows is not found. */
const MAX_TEXT = 20_000;
/** Of one text: places behind 16,383 are lost to PostgreSQL. */
const MAX_WORDS = 5_000;
/** Of one query, pairs of characters counted alike; what follows is not asked for. */
const MAX_TERMS = 32;
/** Longer words are known by how they begin. */
const MAX_WORD = 64;

const RUNS = /[\p{L}\p{M}\p{N}]+/gu;
const UNSPACED = String.raw`\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}`;
const SCRIPTS = new RegExp(`[${UNSPACED}]+|[^${UNSPACED}]+`, 'gu');
const IS_UNSPACED = new RegExp(`^[${UNSPACED}]`, 'u');

/** A word of a text, or a stretch of a script that sets no spaces between words. */
interface Word {
  readonly text: string;
  readonly isUnspaced: boolean;
}

/** Without regard to case, width and composition. */
export function foldText(text: string): string {
  return text.slice(0, MAX_TEXT).normalize('NFKC').toLowerCase();
}

/** The words of a text, folded, without an assumption about its language. */
export function wordsOf(text: string): string[] {
  return split(text).map((word) => word.text);
}

/**
 * A text as the literal of a `tsvector`. Each word has its place; of scripts without spaces each pair of characters has one, so that any
 * substring of two or more characters is found as a phrase.
 */
export function documentOf(text: string): string {
  const lexemes = split(text).flatMap((word) => (word.isUnspaced ? pairsOf(word.text) : [word.text]));
  return lexemes
    .slice(0, MAX_WORDS)
    .map((lexeme, index) => `${quoteLexeme(lexeme)}:${index + 1}`)
    .join(' ');
}

/**
 * The literal of a `tsquery` that asks for every word of a text (the first 32), '' for a text without any.
 * @param how whole words, or words that begin so
 */
export function queryOf(text: string, how: 'words' | 'prefixes'): string {
  const prefix = how === 'prefixes' ? ':*' : '';
  const terms = split(text).map((word) =>
    word.isUnspaced ? phraseOf(word.text) : `${quoteLexeme(word.text)}${prefix}`,
  );
  return [...new Set(terms)].slice(0, MAX_TERMS).join(' & ');
}

/** A lexeme with any characters in it, in the literal of a `tsvector` or `tsquery`. */
export function quoteLexeme(lexeme: string): string {
  return `'${lexeme.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function split(text: string): Word[] {
  const runs = foldText(text).match(RUNS) ?? [];
  return runs
    .flatMap((run) => run.match(SCRIPTS) ?? [])
    .map((part) => {
      const isUnspaced = IS_UNSPACED.test(part);
      return { text: isUnspaced ? part : part.slice(0, MAX_WORD), isUnspaced };
    });
}

/** Each character with the one behind it, and the last one alone: every character begins one. */
function pairsOf(text: string): string[] {
  const characters = Array.from(text);
  return characters.map((character, index) => character + (characters[index + 1] ?? ''));
}

function phraseOf(text: string): string {
  const pairs = pairsOf(text);
  if (pairs.length === 1) return `${quoteLexeme(text)}:*`;
  return `(${pairs.slice(0, -1).slice(0, MAX_TERMS).map(quoteLexeme).join(' <-> ')})`;
}
