import { randomBytes } from 'node:crypto';
import type { AnswerBody } from './answer.js';
import { HttpClient } from './http-client.js';
import { RequestFailed } from './request-failed.js';
import { TestUser, type Session } from './test-user.js';

export const testPassword = 'Correct-horse-battery-9';

/** A local part that no other test uses. */
export const uniqueName = (prefix: string): string => `${prefix}-${randomBytes(5).toString('hex')}`;

/** Registers a user with a unique name. @throws RequestFailed */
export async function register(baseUrl: string, prefix = 'user'): Promise<TestUser> {
  const body = {
    username: uniqueName(prefix),
    password: testPassword,
    auth: { type: 'm.login.dummy' },
  };
  const answer = await new HttpClient(baseUrl).send('POST', '/_matrix/client/v3/register', { body });
  if (answer.status !== 200) throw new RequestFailed('register', answer);
  return new TestUser(baseUrl, sessionOf(answer.body));
}

/** Registers a guest. @throws RequestFailed */
export async function registerGuest(baseUrl: string): Promise<TestUser> {
  const target = '/_matrix/client/v3/register?kind=guest';
  const answer = await new HttpClient(baseUrl).send('POST', target, { body: {} });
  if (answer.status !== 200) throw new RequestFailed('register a guest', answer);
  return new TestUser(baseUrl, sessionOf(answer.body));
}

/** Logs in with the password of every test user. @throws RequestFailed */
export async function login(
  baseUrl: string,
  userId: string,
  more: Record<string, unknown> = {},
): Promise<TestUser> {
  const identifier = { type: 'm.id.user', user: userId };
  const body = { type: 'm.login.password', identifier, password: testPassword, ...more };
  const answer = await new HttpClient(baseUrl).send('POST', '/_matrix/client/v3/login', { body });
  if (answer.status !== 200) throw new RequestFailed('login', answer);
  return new TestUser(baseUrl, sessionOf(answer.body));
}

function sessionOf(body: AnswerBody): Session {
  return {
    userId: body.user_id ?? '',
    deviceId: body.device_id ?? '',
    accessToken: body.access_token ?? '',
    refreshToken: body.refresh_token,
  };
}
