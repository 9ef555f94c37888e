import { loadOperations, type Operation } from './operations.js';
import { ResponseSchemas } from './response-schemas.js';

/** What is looked at of an answer. */
export interface CheckedAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
  readonly text: string;
}

interface Contract {
  operations: Operation[];
  schemas: ResponseSchemas;
}

let contract: Contract | undefined;

/**
 * Compares an answer with the OpenAPI schema of its operation, where `MATRIX_SPEC_DIR` names a checkout of the
 * specification; elsewhere it does nothing, see `missingSpecification`. Answers of paths that the specification does not name pass.
 * @throws Error that names every difference
 */
export async function checkContract(method: string, path: string, answer: CheckedAnswer): Promise<void> {
  const folder = process.env['MATRIX_SPEC_DIR'];
  if (!folder) return;
  contract ??= { operations: loadOperations(folder), schemas: new ResponseSchemas(folder) };
  const pathname = path.replace(/\?.*$/s, '');
  const operation = contract.operations.find((one) => one.method === method && one.pattern.test(pathname));
  if (!operation) return;
  const found = await contract.schemas.differences(operation, answer);
  if (found.length === 0) return;
  throw new Error(
    `the answer ${answer.status} of ${operation.id} breaks the specification:\n${found.join('\n')}\n${answer.text.slice(0, 2000)}`,
  );
}

/** The same of an answer of `fetch` that somebody else is going to read. What unstable parameters were asked for is not the specification's. */
export async function checkResponse(method: string, url: string, response: Response): Promise<void> {
  const { status, headers } = response;
  const { pathname, searchParams } = new URL(url);
  if (searchParams.keys().some((name) => name.includes('.msc'))) return;
  if (!process.env['MATRIX_SPEC_DIR'] || headers.get('content-type') !== 'application/json') return;
  const text = await response
    .clone()
    .text()
    .catch(() => undefined);
  // Whoever reads it finds out that the connection was lost.
  if (text === undefined) return;
  const body: unknown = JSON.parse(text);
  await checkContract(method, pathname, { status, headers, body, text });
}
