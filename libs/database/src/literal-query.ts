import { createQueryId, type OperationNodeSource, PostgresQueryCompiler } from 'kysely';
import pg from 'pg';

/**
 * The query as one string without parameters, for messages of several statements (only the simple protocol takes those). Values
 * become quoted literals, whose types PostgreSQL infers as it does for parameters.
 *
 * @throws TypeError for values that closing statements have no use for: arrays, objects, text with NUL.
 */
export function literalQuery(query: OperationNodeSource): string {
  return compiler.compileQuery(
    query.toOperationNode() as Parameters<typeof compiler.compileQuery>[0],
    createQueryId(),
  ).sql;
}

class LiteralQueryCompiler extends PostgresQueryCompiler {
  protected override appendValue(value: unknown): void {
    this.append(toLiteral(value));
  }
}

const compiler = new LiteralQueryCompiler();

function toLiteral(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string' && !value.includes('\0')) return pg.escapeLiteral(value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return `'${String(value)}'`;
  if (value instanceof Date) return `'${value.toISOString()}'`;
  if (value instanceof Uint8Array) return `'\\x${Buffer.from(value).toString('hex')}'`;
  throw new TypeError(`no literal for a value of type ${typeof value}`);
}
