/** What the last items of a page's authorisation rules do when they apply. */
interface PageOutline {
  readonly versions: readonly number[];
  readonly allows: readonly string[];
  readonly rejects: readonly string[];
  /** "Allow if and only if". */
  readonly both: readonly string[];
}

const numbers = (...lines: readonly string[]) => lines.flatMap((line) => line.split(' '));

/**
 * The numbered authorisation rules of every room version: all items that have no items below them, and nothing that stands
 * elsewhere on the page. Facts read off the pages, as they are shown, not off this library's own table. The two places in which
 * a third-party invite may have public keys are items of the rule that allows it.
 * @see https://spec.matrix.org/v1.19/rooms/v1/#authorisation-rules
 * @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules
 */
const OUTLINES: readonly PageOutline[] = [
  {
    versions: [1, 2],
    allows: numbers('1.5 4.3 5.2.1 5.2.4 5.2.5 5.3.1.7.1 5.3.1.7.2 5.3.4 5.4.4 5.5.2 10.2 10.8 11.1 11.2 12'),
    rejects: numbers(
      '1.1 1.2 1.3 1.4 2.1 2.2 2.3 2.4 2.5 3 4.1 4.2 5.1 5.2.2 5.2.3 5.2.6 5.3.1.1 5.3.1.2',
      '5.3.1.3 5.3.1.4 5.3.1.5 5.3.1.6 5.3.1.8 5.3.2 5.3.3 5.3.5 5.4.2 5.4.3 5.4.5 5.5.1 5.5.3',
      '5.6 6 8 9 10.1 10.3.1 10.3.2 10.4.1 10.5.1 10.6.1 10.7.1 11.3',
    ),
    both: numbers('5.4.1 7.1'),
  },
  {
    versions: [3, 4, 5],
    allows: numbers('1.5 4.3 5.2.1 5.2.4 5.2.5 5.3.1.7.1 5.3.1.7.2 5.3.4 5.4.4 5.5.2 10.2 10.8 11'),
    rejects: numbers(
      '1.1 1.2 1.3 1.4 2.1 2.2 2.3 2.4 2.5 3 4.1 4.2 5.1 5.2.2 5.2.3 5.2.6 5.3.1.1 5.3.1.2',
      '5.3.1.3 5.3.1.4 5.3.1.5 5.3.1.6 5.3.1.8 5.3.2 5.3.3 5.3.5 5.4.2 5.4.3 5.4.5 5.5.1 5.5.3',
      '5.6 6 8 9 10.1 10.3.1 10.3.2 10.4.1 10.5.1 10.6.1 10.7.1',
    ),
    both: numbers('5.4.1 7.1'),
  },
  {
    versions: [6],
    allows: numbers('1.5 4.2.1 4.2.4 4.2.5 4.3.1.7.1 4.3.1.7.2 4.3.4 4.4.4 4.5.2 9.2 9.8 10'),
    rejects: numbers(
      '1.1 1.2 1.3 1.4 2.1 2.2 2.3 2.4 2.5 3 4.1 4.2.2 4.2.3 4.2.6 4.3.1.1 4.3.1.2 4.3.1.3',
      '4.3.1.4 4.3.1.5 4.3.1.6 4.3.1.8 4.3.2 4.3.3 4.3.5 4.4.2 4.4.3 4.4.5 4.5.1 4.5.3 4.6 5 7',
      '8 9.1 9.3.1 9.3.2 9.4.1 9.5.1 9.6.1 9.7.1',
    ),
    both: numbers('4.4.1 6.1'),
  },
  {
    versions: [7],
    allows: numbers('1.5 4.2.1 4.2.4 4.2.5 4.3.1.7.1 4.3.1.7.2 4.3.4 4.4.4 4.5.2 4.6.3 9.2 9.8 10'),
    rejects: numbers(
      '1.1 1.2 1.3 1.4 2.1 2.2 2.3 2.4 2.5 3 4.1 4.2.2 4.2.3 4.2.6 4.3.1.1 4.3.1.2 4.3.1.3',
      '4.3.1.4 4.3.1.5 4.3.1.6 4.3.1.8 4.3.2 4.3.3 4.3.5 4.4.2 4.4.3 4.4.5 4.5.1 4.5.3 4.6.1',
      '4.6.2 4.6.4 4.7 5 7 8 9.1 9.3.1 9.3.2 9.4.1 9.5.1 9.6.1 9.7.1',
    ),
    both: numbers('4.4.1 6.1'),
  },
  {
    versions: [8, 9],
    allows: numbers(
      '1.5 4.3.1 4.3.4 4.3.5.1 4.3.5.3 4.3.6 4.4.1.7.1 4.4.1.7.2 4.4.4 4.5.4 4.6.2 4.7.3 9.2',
      '9.8 10',
    ),
    rejects: numbers(
      '1.1 1.2 1.3 1.4 2.1 2.2 2.3 2.4 2.5 3 4.1 4.2.1 4.3.2 4.3.3 4.3.5.2 4.3.7 4.4.1.1',
      '4.4.1.2 4.4.1.3 4.4.1.4 4.4.1.5 4.4.1.6 4.4.1.8 4.4.2 4.4.3 4.4.5 4.5.2 4.5.3 4.5.5',
      '4.6.1 4.6.3 4.7.1 4.7.2 4.7.4 4.8 5 7 8 9.1 9.3.1 9.3.2 9.4.1 9.5.1 9.6.1 9.7.1',
    ),
    both: numbers('4.5.1 6.1'),
  },
  {
    versions: [10],
    allows: numbers(
      '1.5 4.3.1 4.3.4 4.3.5.1 4.3.5.3 4.3.6 4.4.1.7.1 4.4.1.7.2 4.4.4 4.5.4 4.6.2 4.7.3 9.4',
      '9.10 10',
    ),
    rejects: numbers(
      '1.1 1.2 1.3 1.4 2.1 2.2 2.3 2.4 2.5 3 4.1 4.2.1 4.3.2 4.3.3 4.3.5.2 4.3.7 4.4.1.1',
      '4.4.1.2 4.4.1.3 4.4.1.4 4.4.1.5 4.4.1.6 4.4.1.8 4.4.2 4.4.3 4.4.5 4.5.2 4.5.3 4.5.5',
      '4.6.1 4.6.3 4.7.1 4.7.2 4.7.4 4.8 5 7 8 9.1 9.2 9.3 9.5.1 9.5.2 9.6.1 9.7.1 9.8.1 9.9.1',
    ),
    both: numbers('4.5.1 6.1'),
  },
  {
    versions: [11],
    allows: numbers(
      '1.4 4.3.1 4.3.4 4.3.5.1 4.3.5.3 4.3.6 4.4.1.7.1 4.4.1.7.2 4.4.4 4.5.4 4.6.2 4.7.3 9.4',
      '9.10 10',
    ),
    rejects: numbers(
      '1.1 1.2 1.3 2.1 2.2 2.3 2.4 2.5 3 4.1 4.2.1 4.3.2 4.3.3 4.3.5.2 4.3.7 4.4.1.1 4.4.1.2',
      '4.4.1.3 4.4.1.4 4.4.1.5 4.4.1.6 4.4.1.8 4.4.2 4.4.3 4.4.5 4.5.2 4.5.3 4.5.5 4.6.1 4.6.3',
      '4.7.1 4.7.2 4.7.4 4.8 5 7 8 9.1 9.2 9.3 9.5.1 9.5.2 9.6.1 9.7.1 9.8.1 9.9.1',
    ),
    both: numbers('4.5.1 6.1'),
  },
  {
    versions: [12],
    allows: numbers(
      '1.5 5.3.1 5.3.4 5.3.5.1 5.3.5.3 5.3.6 5.4.1.7.1 5.4.1.7.2 5.4.4 5.5.4 5.6.2 5.7.3 10.5',
      '10.11 11',
    ),
    rejects: numbers(
      '1.1 1.2 1.3 1.4 2 3.1 3.2 3.3 3.4 4 5.1 5.2.1 5.3.2 5.3.3 5.3.5.2 5.3.7 5.4.1.1 5.4.1.2',
      '5.4.1.3 5.4.1.4 5.4.1.5 5.4.1.6 5.4.1.8 5.4.2 5.4.3 5.4.5 5.5.2 5.5.3 5.5.5 5.6.1 5.6.3',
      '5.7.1 5.7.2 5.7.4 5.8 6 8 9 10.1 10.2 10.3 10.4 10.6.1 10.6.2 10.7.1 10.8.1 10.9.1',
      '10.10.1',
    ),
    both: numbers('5.5.1 7.1'),
  },
];

/** The leaves of a version's page. */
export function outlineOf(version: number): PageOutline {
  const outline = OUTLINES.find(({ versions }) => versions.includes(version));
  if (outline === undefined) throw new Error(`no outline of room version ${version}`);
  return outline;
}
