import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openMedia } from './media.module.js';
import { ENDED_TOKEN, MAX_UPLOAD_BYTES, startTestMedia, TOKEN } from './test-media.spec-support.js';

const UPLOAD = '/_matrix/media/v3/upload';
const DOWNLOAD = '/_matrix/client/v1/media/download';
const CSP =
  "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';";

describe('media', () => {
  let media: Awaited<ReturnType<typeof startTestMedia>>;
  beforeAll(async () => {
    media = await startTestMedia();
  });
  afterAll(() => media.stop());

  /** @returns `server/mediaId` */
  async function upload(body: Buffer | Readable, headers: Record<string, string> = {}, query = '') {
    const answer = await media.call('POST', UPLOAD + query, { body, headers });
    expect(answer.statusCode).toBe(200);
    const { content_uri } = (await answer.body.json()) as { content_uri: string };
    expect(content_uri).toMatch(/^mxc:\/\/hs1\/[A-Za-z0-9_-]{32}$/);
    return content_uri.slice('mxc://'.length);
  }
  async function download(path: string) {
    const { statusCode, headers, body } = await media.call('GET', `${DOWNLOAD}/${path}`);
    return { status: statusCode, headers, bytes: Buffer.from(await body.arrayBuffer()) };
  }
  async function errorOf(answer: ReturnType<typeof media.call>) {
    const { statusCode, body } = await answer;
    return { status: statusCode, ...((await body.json()) as object) };
  }
  const incoming = () => readdir(join(media.dataDir, 'media', 'incoming'));

  it('boots, and is healthy', async () => {
    await expect(media.service.check()).resolves.toBeUndefined();
  });

  it('answers requests of a listener that is not its own', async () => {
    const opened = await openMedia(media.config);
    const listener = createServer((request, response) => opened.server.emit('request', request, response));
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const { port } = listener.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/_matrix/client/v1/media/config`);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ errcode: 'M_MISSING_TOKEN' });
    listener.closeAllConnections();
    await new Promise((resolve) => listener.close(resolve));
    await opened.close();
  });

  it('serves what was uploaded, with its type, name, length and headers that disarm it', async () => {
    const bytes = randomBytes(100_000);
    const path = await upload(bytes, { 'content-type': 'image/png' }, '?filename=a%20photo.png');
    const { status, headers, bytes: served } = await download(path);
    expect(status).toBe(200);
    expect(served.equals(bytes)).toBe(true);
    expect(headers).toMatchObject({
      'content-type': 'image/png',
      'content-length': '100000',
      'content-disposition': 'inline; filename="a photo.png"',
      'content-security-policy': CSP,
      'cross-origin-resource-policy': 'cross-origin',
      'x-content-type-options': 'nosniff',
      'access-control-allow-origin': '*',
    });
  });

  it.each([
    ['text/html', 'attachment'],
    ['application/json', 'inline'],
    ['text/plain; charset=utf-16', 'inline'],
    ['application/x-www-form-urlencoded', 'attachment'],
    ['multipart/form-data; boundary=x', 'attachment'],
  ])('keeps %s as it is, unread, and serves it as %s', async (contentType, disposition) => {
    const path = await upload(Buffer.from('{"not": json'), { 'content-type': contentType });
    const { headers, bytes } = await download(path);
    expect(bytes.toString()).toBe('{"not": json');
    expect(headers).toMatchObject({ 'content-type': contentType, 'content-disposition': disposition });
  });

  it('takes content without a type, without a length, and without bytes', async () => {
    const chunked = await upload(Readable.from([Buffer.from('ab'), Buffer.from('cd')]));
    expect(await download(chunked)).toMatchObject({
      headers: { 'content-type': 'application/octet-stream', 'content-disposition': 'attachment' },
      bytes: Buffer.from('abcd'),
    });
    const empty = await download(await upload(Buffer.alloc(0), { 'content-type': 'text/plain' }));
    expect(empty).toMatchObject({ status: 200, headers: { 'content-length': '0' }, bytes: Buffer.alloc(0) });
  });

  it('serves under the name that the path asks for', async () => {
    const path = await upload(Buffer.from('x'), { 'content-type': 'text/plain' }, '?filename=a.txt');
    const named = (name: string) => download(`${path}/${encodeURIComponent(name)}`);
    expect((await named('b;c.txt')).headers['content-disposition']).toBe('inline; filename="b;c.txt"');
    expect((await named('ü/ö.txt')).headers['content-disposition']).toBe(
      "inline; filename*=utf-8''%C3%BC%2F%C3%B6.txt",
    );
  });

  it('refuses more than it takes: announced or found out while reading, and keeps nothing of it', async () => {
    expect(MAX_UPLOAD_BYTES).toBe(200_000);
    await upload(Buffer.alloc(MAX_UPLOAD_BYTES));
    const tooLarge = { status: 413, errcode: 'M_TOO_LARGE' };
    const body = Buffer.alloc(MAX_UPLOAD_BYTES + 1);
    expect(await errorOf(media.call('POST', UPLOAD, { body }))).toMatchObject(tooLarge);
    const stream = Readable.from(Array.from({ length: 50 }, () => Buffer.alloc(10_000)));
    expect(await errorOf(media.call('POST', UPLOAD, { body: stream }))).toMatchObject(tooLarge);
    expect(await incoming()).toEqual([]);
  });

  it('keeps nothing of an upload that breaks off', async () => {
    const socket = connect(media.service.port, '127.0.0.1');
    socket.write(
      `POST ${UPLOAD} HTTP/1.1\r\nhost: hs1\r\nauthorization: Bearer ${TOKEN}\r\ncontent-length: 1000\r\n\r\nhalf`,
    );
    const until = async (count: number) => {
      for (let tries = 0; tries < 200 && (await incoming()).length !== count; tries++) await sleep(10);
      return incoming();
    };
    expect(await until(1)).toHaveLength(1);
    socket.destroy();
    expect(await until(0)).toEqual([]);
  });

  it('needs a valid access token everywhere', async () => {
    const path = await upload(Buffer.from('x'));
    for (const [method, url] of [
      ['POST', UPLOAD],
      ['GET', `${DOWNLOAD}/${path}`],
      ['GET', `${DOWNLOAD}/${path}/name`],
      ['GET', '/_matrix/client/v1/media/config'],
      ['GET', '/_matrix/media/v3/config'],
    ] as const) {
      const error = (token: string | null) => errorOf(media.call(method, url, { token }));
      expect(await error(null)).toMatchObject({ status: 401, errcode: 'M_MISSING_TOKEN' });
      expect(await error('forged')).toMatchObject({ status: 401, errcode: 'M_UNKNOWN_TOKEN' });
      expect(await error(ENDED_TOKEN)).toMatchObject({
        status: 401,
        errcode: 'M_UNKNOWN_TOKEN',
        soft_logout: true,
      });
    }
  });

  it('does not serve without authentication', async () => {
    const path = await upload(Buffer.from('x'));
    for (const url of [`/_matrix/media/v3/download/${path}`, `/_matrix/media/r0/download/${path}/name`]) {
      expect(await errorOf(media.call('GET', url, { token: null }))).toMatchObject({
        status: 404,
        errcode: 'M_NOT_FOUND',
      });
    }
  });

  it('tells how much may be uploaded', async () => {
    for (const path of ['/_matrix/client/v1/media/config', '/_matrix/media/v3/config']) {
      const { statusCode, body } = await media.call('GET', path);
      expect(statusCode).toBe(200);
      expect(await body.json()).toEqual({ 'm.upload.size': MAX_UPLOAD_BYTES });
    }
  });

  it.each([
    ['GET', `${DOWNLOAD}/hs1/unknown`, 404, 'M_NOT_FOUND'],
    ['GET', `${DOWNLOAD}/other.example/unknown`, 404, 'M_NOT_FOUND'],
    ['GET', `${DOWNLOAD}/hs1/..%2F..%2Fsigning.key`, 400, 'M_INVALID_PARAM'],
    ['GET', `${DOWNLOAD}/hs1%2F../unknown`, 400, 'M_INVALID_PARAM'],
    ['POST', `${UPLOAD}?filename=%00`, 400, 'M_INVALID_PARAM'],
    ['PUT', UPLOAD, 405, 'M_UNRECOGNIZED'],
    ['POST', '/_matrix/media/v1/create', 404, 'M_UNRECOGNIZED'],
    ['GET', '/_matrix/client/v1/media/thumbnail/hs1/unknown', 404, 'M_UNRECOGNIZED'],
    ['GET', '/_matrix/client/v1/media/preview_url', 404, 'M_UNRECOGNIZED'],
  ] as const)('%s %s is %i %s', async (method, path, status, errcode) => {
    expect(await errorOf(media.call(method, path))).toMatchObject({ status, errcode });
  });
});
