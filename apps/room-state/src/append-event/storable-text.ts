import { invalidParam } from '@atoll/matrix';

/** PostgreSQL's text holds every character but this one. */
const NUL = '\u0000';

export function isStorable(text: string): boolean {
  return !text.includes(NUL);
}

/** @throws MatrixError `M_INVALID_PARAM` for names and keys that no column can hold */
export function assertStorable(...texts: readonly string[]): void {
  if (!texts.every(isStorable)) throw invalidParam('Names and keys must not contain U+0000');
}
