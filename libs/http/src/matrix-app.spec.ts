import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLogger } from '@atoll/telemetry';
import { MatrixError, isJsonObject } from '@atoll/matrix';
import { Body, Controller, Delete, Get, Module, Param, Post, Put, Query } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { request } from 'undici';
import { z } from 'zod';
import { Public, RouteSettings, createMatrixApp, optionalBody } from './index.js';

const logLines: string[] = [];
const logger = createLogger('test', 'error', { write: (line) => void logLines.push(line) });

const versionSchema = z
  .string()
  .refine((version) => version === '12', { params: { errcode: 'M_UNSUPPORTED_ROOM_VERSION' } })
  .optional();

@Public()
@Controller('/_matrix/client/v3')
class TestController {
  @Put('rooms/:roomId/send/:eventType/:txnId')
  send(@Body({ schema: z.custom<object>(isJsonObject) }) content: object) {
    return { keys: Object.keys(content), value: JSON.stringify(content) };
  }

  @Get('rooms/:roomId/state/:eventType')
  stateWithEmptyKey(@Param() params: Record<string, string>) {
    return { params, stateKey: '' };
  }

  @Get('rooms/:roomId/state/:eventType/:stateKey')
  state(@Param() params: Record<string, string>) {
    return { params };
  }

  @Post('rooms/:roomId/join')
  join(@Body({ schema: optionalBody(z.object({ reason: z.string().optional() })) }) body: object) {
    return { body };
  }

  @Post('createRoom')
  createRoom(@Body({ schema: z.object({ name: z.string(), version: versionSchema }) }) body: object) {
    return body;
  }

  @Get('messages')
  messages(
    @Query({ schema: z.object({ dir: z.enum(['b', 'f']), limit: z.coerce.number().int().optional() }) })
    query: object,
  ) {
    return query;
  }

  @Put('profile/:userId/displayname')
  setName() {
    return {};
  }

  @Delete('profile/:userId/:keyName')
  deleteField() {
    return { deleted: true };
  }

  @Put('large')
  @RouteSettings({ bodyLimit: 50_000 })
  large(@Body() body: object) {
    return { length: JSON.stringify(body).length };
  }

  @Put('exact')
  @RouteSettings({ exactJson: true })
  exact(@Body() body: object) {
    return { text: JSON.stringify(body) };
  }

  @Post('upload')
  @RouteSettings({ streamBody: true })
  async upload(@Body() body: AsyncIterable<Buffer>) {
    let bytes = 0;
    for await (const chunk of body) bytes += chunk.length;
    return { bytes };
  }

  @Get('broken')
  broken() {
    throw new Error('secret database text');
  }

  @Get('busy')
  busy() {
    throw new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Slow down', { retry_after_ms: 1500 });
  }
}

@Module({ controllers: [TestController] })
class TestModule {}

let app: NestFastifyApplication;
let base: string;

beforeAll(async () => {
  app = await createMatrixApp(TestModule, { listener: 'test', logger, bodyLimit: 10_000 });
  await app.listen(0, '127.0.0.1');
  base = `${await app.getUrl()}/_matrix/client`;
});
afterAll(() => app.close());

async function call(
  method: string,
  path: string,
  body?: string | Buffer,
  headers: Record<string, string> = {},
) {
  const answer = await request(base + path, { method: method as 'GET', body: body ?? null, headers });
  const text = await answer.body.text();
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
  };
}
const json = (value: unknown) => JSON.stringify(value);
const errorOf = ({ status, body }: Awaited<ReturnType<typeof call>>) => [status, body['errcode']];

describe('bodies', () => {
  const send = '/v3/rooms/!r:s/send/m.room.message/1';

  test.each([
    undefined,
    'application/json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'nonsense',
    'application/json; charset=latin1',
  ])('are JSON whatever their content type: %s', async (type) => {
    const answer = await call(
      'PUT',
      send,
      json({ a: 'é' }),
      type === undefined ? {} : { 'content-type': type },
    );
    expect(answer).toMatchObject({ status: 200, body: { value: '{"a":"é"}' } });
  });

  test.each([
    ['not JSON', Buffer.from('{'), 400, 'M_NOT_JSON'],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, 'M_NOT_JSON'],
    ['nothing', undefined, 400, 'M_NOT_JSON'],
    ['a string', Buffer.from('"text"'), 400, 'M_BAD_JSON'],
    ['an array', Buffer.from('[]'), 400, 'M_BAD_JSON'],
    ['null', Buffer.from('null'), 400, 'M_BAD_JSON'],
    ['a number beyond all', Buffer.from('{"a":[{"b":-1e400}]}'), 400, 'M_BAD_JSON'],
    ['deep nesting', Buffer.from('['.repeat(101) + ']'.repeat(101)), 400, 'M_BAD_JSON'],
    ['nesting without an end', Buffer.from('{"a":'.repeat(1900)), 400, 'M_BAD_JSON'],
    ['too many bytes', Buffer.from(json({ a: 'x'.repeat(10_000) })), 413, 'M_TOO_LARGE'],
  ])('are refused: %s', async (_what, body, status, errcode) => {
    expect(errorOf(await call('PUT', send, body))).toEqual([status, errcode]);
  });

  test('of unknown length are bounded too', async () => {
    const endless = Readable.from(Array.from({ length: 20 }, () => Buffer.alloc(1000, ' ')));
    const answer = await request(base + send, { method: 'PUT', body: endless }).catch(
      (error: unknown) => error as Error,
    );
    if (!(answer instanceof Error)) expect(answer.statusCode).toBe(413);
    expect(await call('PUT', send, '{}')).toMatchObject({ status: 200 });
  });

  test('keep `__proto__` and `constructor` as own keys and pollute nothing', async () => {
    const answer = await call('PUT', send, '{"__proto__":{"polluted":true},"constructor":{"a":1}}');
    expect(answer.body['keys']).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('may be left out where the route says so', async () => {
    expect(await call('POST', '/v3/rooms/!r:s/join')).toMatchObject({ status: 200, body: { body: {} } });
    expect(
      await call('POST', '/v3/rooms/!r:s/join', '', { 'content-type': 'application/json' }),
    ).toMatchObject({ status: 200 });
    expect(errorOf(await call('POST', '/v3/rooms/!r:s/join', '{"reason":1}'))).toEqual([400, 'M_BAD_JSON']);
  });

  test('have a limit of the route', async () => {
    expect(await call('PUT', '/v3/large', json({ a: 'x'.repeat(20_000) }))).toMatchObject({ status: 200 });
    expect(errorOf(await call('PUT', '/v3/large', json({ a: 'x'.repeat(60_000) })))).toEqual([
      413,
      'M_TOO_LARGE',
    ]);
  });

  test('keep numbers as they came, and may nest deeper, where the route says so', async () => {
    const exact = '{"a":[1.0,1e3,-0.0,12345678901234567890,1e400],"b":1}';
    expect(await call('PUT', '/v3/exact', exact)).toMatchObject({ status: 200, body: { text: exact } });
    const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    expect(await call('PUT', '/v3/exact', nested(600))).toMatchObject({ status: 200 });
    expect(errorOf(await call('PUT', '/v3/exact', nested(601)))).toEqual([400, 'M_BAD_JSON']);
    for (const bad of ['{', '{"a":01}', Buffer.from([0x22, 0xff, 0x22])])
      expect(errorOf(await call('PUT', '/v3/exact', bad))).toEqual([400, 'M_NOT_JSON']);
  });

  test('are streams where the route says so', async () => {
    const bytes = Buffer.alloc(30_000, 0xff);
    const answer = await call('POST', '/v3/upload', bytes, { 'content-type': 'image/png' });
    expect(answer).toMatchObject({ status: 200, body: { bytes: 30_000 } });
  });
});

describe('schemas', () => {
  test.each([
    ['POST', '/v3/createRoom', '{}', 400, 'M_BAD_JSON'],
    ['POST', '/v3/createRoom', '{"name":1}', 400, 'M_BAD_JSON'],
    ['POST', '/v3/createRoom', '{"name":"n","version":12}', 400, 'M_BAD_JSON'],
    ['POST', '/v3/createRoom', '{"name":"n","version":"99"}', 400, 'M_UNSUPPORTED_ROOM_VERSION'],
    ['GET', '/v3/messages', undefined, 400, 'M_MISSING_PARAM'],
    ['GET', '/v3/messages?dir=x', undefined, 400, 'M_INVALID_PARAM'],
    ['GET', '/v3/messages?dir=b&limit=many', undefined, 400, 'M_INVALID_PARAM'],
  ])('%s %s with %s is %d %s', async (method, path, body, status, errcode) => {
    expect(errorOf(await call(method, path, body))).toEqual([status, errcode]);
  });

  test('coerce query parameters', async () => {
    expect((await call('GET', '/v3/messages?dir=b&limit=5')).body).toEqual({ dir: 'b', limit: 5 });
  });
});

describe('answers', () => {
  test('are exactly application/json with 200, also for POST, and carry CORS headers', async () => {
    const { status, headers } = await call('POST', '/v3/createRoom', '{"name":"n"}');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('application/json');
    expect(headers['access-control-allow-origin']).toBe('*');
  });

  test('of errors are too', async () => {
    for (const path of [
      '/v3/broken',
      '/v3/unknown',
      '/v3/messages',
      '/v3/%zz',
      `/v3/rooms/${'x'.repeat(3000)}/state/t`,
    ]) {
      const { headers } = await call('GET', path);
      expect(headers['content-type']).toBe('application/json');
      expect(headers['access-control-allow-origin']).toBe('*');
    }
  });

  test('to preflights run nothing', async () => {
    for (const path of ['/v3/createRoom', '/v3/no/such/path']) {
      const { status, headers } = await call('OPTIONS', path);
      expect(status).toBe(204);
      expect(headers['access-control-allow-methods']).toBe('GET, POST, PUT, DELETE, OPTIONS');
      expect(headers['access-control-allow-headers']).toBe('X-Requested-With, Content-Type, Authorization');
    }
  });

  test('to our own faults tell nothing and are logged once', async () => {
    logLines.length = 0;
    const answer = await call('GET', '/v3/broken');
    expect(answer).toMatchObject({
      status: 500,
      body: { errcode: 'M_UNKNOWN', error: 'Internal server error' },
    });
    expect(logLines).toHaveLength(1);
    expect(logLines[0]).toContain('secret database text');
  });

  test('to limits say when to come back', async () => {
    const answer = await call('GET', '/v3/busy');
    expect(answer).toMatchObject({
      status: 429,
      headers: { 'retry-after': '2' },
      body: { retry_after_ms: 1500 },
    });
  });
});

describe('what is no HTTP', () => {
  test.each([
    ['nonsense\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nHost: s\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
  ])('is refused in the form of Matrix: %#', async (bytes, status) => {
    const socket = connect(Number(new URL(base).port), '127.0.0.1');
    socket.end(bytes);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(head).toContain('\r\nContent-Type: application/json\r\n');
    expect(JSON.parse(body)).toEqual({ errcode: 'M_UNKNOWN', error: expect.any(String) });
  });
});

describe('paths', () => {
  test.each([
    ['GET', '/v3/nothing', 404],
    ['GET', '/nothing', 404],
    ['DELETE', '/v3/createRoom', 405],
    ['GET', '/v3/createRoom', 405],
    ['PATCH', '/v3/rooms/!r:s/state/m.room.name', 405],
    ['POST', '/v3/Messages', 404],
    ['GET', '/v3/rooms//state/m.room.name/x', 404],
  ])('%s %s is %d M_UNRECOGNIZED', async (method, path, status) => {
    expect(errorOf(await call(method, path))).toEqual([status, 'M_UNRECOGNIZED']);
  });

  test('tell which methods they allow', async () => {
    expect((await call('PATCH', '/v3/createRoom')).headers['allow']).toBe('POST');
  });

  test('with a fixed and a free last part do not hide one another', async () => {
    expect(await call('DELETE', '/v3/profile/@u:s/displayname')).toMatchObject({
      status: 200,
      body: { deleted: true },
    });
  });

  test('are decoded part by part', async () => {
    const parts = { roomId: '!a/b:s', eventType: 'm.🙂', stateKey: '#x?y%2F:s' };
    const path = Object.values(parts).map(encodeURIComponent);
    const answer = await call('GET', `/v3/rooms/${path[0]}/state/${path[1]}/${path[2]}`);
    expect(answer.body).toEqual({ params: parts });
  });

  test('may be long', async () => {
    const stateKey = '🙂'.repeat(63);
    const answer = await call('GET', `/v3/rooms/!r:s/state/t/${encodeURIComponent(stateKey)}`);
    expect(answer.body).toMatchObject({ params: { stateKey } });
  });

  test('that cannot be decoded are refused', async () => {
    expect(errorOf(await call('GET', '/v3/rooms/%ff/state/t/k'))).toEqual([400, 'M_INVALID_PARAM']);
  });

  test('may end in a slash', async () => {
    const answer = await call('GET', '/v3/rooms/!r:s/state/m.room.name/');
    expect(answer.body).toMatchObject({ params: { eventType: 'm.room.name' }, stateKey: '' });
  });

  test('of r0 are those of v3', async () => {
    expect((await call('GET', '/r0/messages?dir=f')).body).toEqual({ dir: 'f' });
    expect(errorOf(await call('PATCH', '/r0/messages'))).toEqual([405, 'M_UNRECOGNIZED']);
  });

  test('answer HEAD', async () => {
    expect((await call('HEAD', '/v3/messages?dir=b')).status).toBe(200);
  });
});
