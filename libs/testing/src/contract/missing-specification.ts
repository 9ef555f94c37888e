import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What to tell of a run in which no answer is compared with the specification; undefined when they are. */
export function missingSpecification(folder = process.env['MATRIX_SPEC_DIR']): string | undefined {
  const lost =
    folder === undefined || folder === ''
      ? 'MATRIX_SPEC_DIR is not set'
      : existsSync(join(folder, 'operations.tsv'))
        ? undefined
        : `MATRIX_SPEC_DIR names no checkout of it: ${folder}`;
  return lost && `ANSWERS ARE NOT COMPARED WITH THE MATRIX SPECIFICATION: ${lost}`;
}
