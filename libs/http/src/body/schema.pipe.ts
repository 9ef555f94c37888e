import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { issuesToMatrixError } from './schema-issues.js';

/**
 * Validates what `@Body({ schema })`, `@Query({ schema })` and `@Param({ schema })` declare. Unlike Nest's own pipe it
 * leaves keys such as `constructor` alone: they are legal in events.
 */
export class SchemaPipe implements PipeTransform {
  async transform(value: unknown, { schema, type }: ArgumentMetadata): Promise<unknown> {
    if (schema === undefined || type === 'custom') return value;
    const result = await schema['~standard'].validate(value);
    if (result.issues !== undefined) throw issuesToMatrixError(result.issues, type, value);
    return result.value;
  }
}
