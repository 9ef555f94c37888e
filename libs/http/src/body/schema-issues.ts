import { MatrixError, badJson, invalidParam, missingParam } from '@atoll/matrix';
import type { Paramtype } from '@nestjs/common';
import { z } from 'zod';
import { notJson } from './json-body.js';

/** What a validator of the Standard Schema kind reports; zod adds the `params` of a refinement. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  readonly params?: { readonly errcode?: unknown } | undefined;
}

const MAX_ISSUES_TOLD = 3;

/**
 * The answer to a request that does not fit its schema. A refinement names its own errcode with
 * `params: { errcode: 'M_…' }`; else a wrong body is `M_BAD_JSON`, keys that are missing included, a missing query
 * parameter `M_MISSING_PARAM`, and a wrong one `M_INVALID_PARAM`.
 * @see https://spec.matrix.org/v1.19/client-server-api/#common-error-codes
 */
export function issuesToMatrixError(
  issues: readonly SchemaIssue[],
  type: Paramtype,
  value: unknown,
): MatrixError {
  const message = issues.slice(0, MAX_ISSUES_TOLD).map(describe).join('; ');
  const errcode = issues.map((issue) => issue.params?.errcode).find((code) => typeof code === 'string');
  if (errcode !== undefined) return new MatrixError(400, errcode, message);
  if (type === 'body') return value === undefined ? notJson('The request has no body') : badJson(message);
  return issues.every((issue) => valueAt(value, issue) === undefined)
    ? missingParam(message)
    : invalidParam(message);
}

/** The schema of a body that may be left out: nothing at all means `{}`. */
export function optionalBody<T extends z.ZodType>(schema: T) {
  return z.preprocess((body) => body ?? {}, schema);
}

function describe(issue: SchemaIssue): string {
  const path = pathOf(issue).map(String).join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}

function pathOf({ path = [] }: SchemaIssue): PropertyKey[] {
  return path.map((segment) => (typeof segment === 'object' ? segment.key : segment));
}

function valueAt(value: unknown, issue: SchemaIssue): unknown {
  return pathOf(issue).reduce(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
}
