import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Ajv2020, type AnySchemaObject, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import type { CheckedAnswer } from './check-contract.js';
import type { Operation } from './operations.js';

interface OpenApiFile {
  servers: { variables: { basePath: { default: string } } }[];
  paths: Record<string, Record<string, { responses?: Record<string, OpenApiResponse> }>>;
  components?: unknown;
}

interface OpenApiResponse {
  $ref?: string;
  content?: Record<string, { schema?: AnySchemaObject }>;
}

const anyError: AnySchemaObject = { $ref: '../client-server/definitions/errors/error.yaml' };

/** The schemas of answers, compiled when first asked for. */
export class ResponseSchemas {
  private readonly api: string;
  private readonly files = new Map<string, OpenApiFile>();
  private readonly validators = new Map<string, Promise<ValidateFunction | undefined>>();
  private readonly ajv = new Ajv2020({
    strict: false,
    validateFormats: false,
    allErrors: true,
    loadSchema: (url) => Promise.resolve(readYaml(fileURLToPath(url.replace(/#.*$/, ''))) as AnySchemaObject),
  });

  constructor(specFolder: string) {
    this.api = join(specFolder, 'data/api');
  }

  /** How an answer differs from its operation's description, one line each. */
  async differences(operation: Operation, answer: CheckedAnswer): Promise<string[]> {
    const described = isTokenError(answer.body)
      ? undefined
      : this.describedResponse(operation, answer.status);
    if (described === undefined && answer.status < 400)
      return [`status ${answer.status} is not one of the operation`];
    const schema = described?.content?.['application/json']?.schema;
    if (described !== undefined && schema === undefined) return [];
    const contentType = answer.headers.get('content-type');
    if (contentType !== 'application/json') return [`content-type is ${String(contentType)}`];
    const validate = await this.validator(operation, answer.status, schema);
    if (validate === undefined || validate(answer.body)) return [];
    return (validate.errors ?? [])
      .filter((difference) => !isTolerated(operation, difference))
      .map(
        ({ instancePath, message = '', params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
      );
  }

  private describedResponse(operation: Operation, status: number): OpenApiResponse | undefined {
    const file = this.file(operation);
    const base = file.servers[0]?.variables.basePath.default ?? '';
    const short = operation.path.startsWith(base) ? operation.path.slice(base.length) : operation.path;
    const methods = file.paths[short] ?? file.paths[operation.path];
    return methods?.[operation.method.toLowerCase()]?.responses?.[String(status)];
  }

  /** Errors that the operation does not list have the shape of every Matrix error. */
  private validator(
    operation: Operation,
    status: number,
    schema: AnySchemaObject = anyError,
  ): Promise<ValidateFunction | undefined> {
    const key = `${operation.id}/${status}/${schema === anyError ? 'any' : 'own'}`;
    const known = this.validators.get(key);
    if (known) return known;
    // The id lies in the operation's folder, so that relative references resolve from there.
    const id = `${pathToFileURL(join(this.api, operation.file)).href}?${key}`;
    const { components } = this.file(operation);
    const compiled = this.ajv.compileAsync({ ...schema, $id: id, components });
    this.validators.set(key, compiled);
    return compiled;
  }

  private file(operation: Operation): OpenApiFile {
    const known = this.files.get(operation.file);
    if (known) return known;
    const file = readYaml(join(this.api, operation.file)) as OpenApiFile;
    this.files.set(operation.file, file);
    return file;
  }
}

/**
 * Homeservers answer null for a member without name or avatar, and clients expect the keys to be there. Templates of member events, and
 * invites, are described with an `origin`, which the formats of events do not know any more.
 */
function isTolerated({ id, file }: Operation, { instancePath, params }: ErrorObject): boolean {
  if (id === 'getJoinedMembersByRoom') return /\/(display_name|avatar_url)$/.test(instancePath);
  const { missingProperty } = params as { missingProperty?: unknown };
  return file.startsWith('server-server/') && /\/event$/.test(instancePath) && missingProperty === 'origin';
}

/** Where user-interactive authentication is asked for, 401 is described, but not that of a missing token. */
function isTokenError(body: unknown): boolean {
  const { errcode } = body as { errcode?: unknown };
  return errcode === 'M_MISSING_TOKEN' || errcode === 'M_UNKNOWN_TOKEN';
}

function readYaml(path: string): unknown {
  return parse(readFileSync(path, 'utf8'), { logLevel: 'error' });
}
