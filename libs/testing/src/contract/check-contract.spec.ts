import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkContract } from './check-contract.js';

const columns = [
  'client-server',
  'GET',
  '/_matrix/client/v3/boats/{boatId}',
  'getBoat',
  '',
  '',
  '',
  '',
  'boats.yaml',
];
const boats = `
servers: [{ variables: { basePath: { default: /_matrix/client/v3 } } }]
paths:
  /boats/{boatId}:
    get:
      responses:
        "200": { content: { application/json: { schema: { $ref: definitions/boat.yaml } } } }
`;
const ships = `
servers: [{ variables: { basePath: { default: /_matrix/federation/v1 } } }]
paths:
  /ships/{shipId}:
    get:
      responses:
        "200": { content: { application/json: { schema: { $ref: ../client-server/definitions/boat.yaml } } } }
`;
const boat = 'type: object\nrequired: [name]\nproperties: { name: { type: string } }\n';
const error = 'type: object\nrequired: [errcode]\n';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'atoll-contract-'));
  const api = join(folder, 'data/api/client-server');
  mkdirSync(join(api, 'definitions/errors'), { recursive: true });
  const ofServers = [
    'server-server',
    'GET',
    '/_matrix/federation/v1/ships/{shipId}',
    'getShip',
    ...columns.slice(4),
  ];
  writeFileSync(join(folder, 'operations.tsv'), `api\n${columns.join('\t')}\n${ofServers.join('\t')}\n`);
  mkdirSync(join(folder, 'data/api/server-server'), { recursive: true });
  writeFileSync(join(folder, 'data/api/server-server/boats.yaml'), ships);
  writeFileSync(join(api, 'boats.yaml'), boats);
  writeFileSync(join(api, 'definitions/boat.yaml'), boat);
  writeFileSync(join(api, 'definitions/errors/error.yaml'), error);
  process.env['MATRIX_SPEC_DIR'] = folder;
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function check(
  status: number,
  body: unknown,
  contentType = 'application/json',
  path = '/_matrix/client/v3/boats/b%2F1?x=y',
): Promise<void> {
  const headers = new Headers({ 'content-type': contentType });
  const answer = { status, headers, body, text: JSON.stringify(body) };
  return checkContract('GET', path, answer);
}

describe('the contract check', () => {
  test('lets pass what the specification describes', async () => {
    await expect(check(200, { name: 'Mary' })).resolves.toBeUndefined();
    await expect(check(404, { errcode: 'M_NOT_FOUND' })).resolves.toBeUndefined();
  });

  test('looks at what servers answer each other too', async () => {
    const ship = (status: number, body: unknown) =>
      check(status, body, undefined, '/_matrix/federation/v1/ships/s');
    await expect(ship(200, { name: 'Mary' })).resolves.toBeUndefined();
    await expect(ship(404, { errcode: 'M_NOT_FOUND' })).resolves.toBeUndefined();
    await expect(ship(200, {})).rejects.toThrow("must have required property 'name'");
  });

  test.each([
    ['a missing property', 200, {}, "must have required property 'name'"],
    ['a wrong type', 200, { name: 7 }, 'must be string'],
    ['an undescribed success', 204, {}, 'status 204 is not one of the operation'],
    ['an error without a code', 404, {}, "must have required property 'errcode'"],
  ])('refuses %s', async (_, status, body, message) => {
    await expect(check(status, body)).rejects.toThrow(message);
  });

  test('refuses another content type', async () => {
    const answer = check(200, { name: 'Mary' }, 'application/json; charset=utf-8');
    await expect(answer).rejects.toThrow('content-type');
  });
});
