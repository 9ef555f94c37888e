import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingSpecification } from './missing-specification.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'atoll-specification-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

it('is told where no folder is named, or one that is no checkout', () => {
  expect(missingSpecification('')).toMatch(/NOT COMPARED.*MATRIX_SPEC_DIR is not set/);
  expect(missingSpecification(folder)).toContain(`names no checkout of it: ${folder}`);
});

it('is not told of a checkout', () => {
  writeFileSync(join(folder, 'operations.tsv'), '');
  expect(missingSpecification(folder)).toBeUndefined();
});
