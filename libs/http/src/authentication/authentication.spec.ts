import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLogger } from '@atoll/telemetry';
import { forbidden, isJsonObject } from '@atoll/matrix';
import type { ServerName, UserId } from '@atoll/matrix';
import { Body, Controller, Get, Inject, Injectable, Module, Post, Put } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { request } from 'undici';
import { z } from 'zod';
import {
  AccessToken,
  AuthenticatorFor,
  FederationSignature,
  OptionalAccessToken,
  Public,
  Requester,
  authenticateAccessToken,
  createMatrixApp,
} from '../index.js';
import type { AuthenticationDeclaration, Authenticator, UserRequester } from '../index.js';

const logger = createLogger('test', 'silent');

@Injectable()
class Tokens {
  private readonly holders = new Map<string, UserRequester>([
    ['alice-token', { userId: '@alice:s' as UserId, isGuest: false }],
    ['guest-token', { userId: '@guest:s' as UserId, isGuest: true }],
  ]);

  find(token: string) {
    return this.holders.get(token);
  }
}

@AuthenticatorFor('accessToken')
class TokenAuthenticator implements Authenticator {
  constructor(@Inject(Tokens) private readonly tokens: Tokens) {}

  authenticate(request: FastifyRequest, declaration: AuthenticationDeclaration) {
    return authenticateAccessToken(request, declaration, (token) => this.tokens.find(token));
  }
}

/** Reads the body, as the real one does to verify what the signature covers. */
@AuthenticatorFor('federationSignature')
class BodyAuthenticator implements Authenticator {
  authenticate(request: FastifyRequest) {
    const { origin } = request.body as { origin: ServerName };
    if (origin !== 'good.example') throw forbidden('Bad signature');
    return { serverName: origin };
  }
}

@AccessToken()
@Controller()
class TestController {
  @Get('whoami')
  whoami(@Requester() requester: UserRequester) {
    return requester;
  }

  @Put('write')
  write(@Body({ schema: z.custom<object>(isJsonObject) }) body: object) {
    return body;
  }

  @Get('guests')
  @AccessToken({ allowGuest: true })
  guests(@Requester() requester: UserRequester) {
    return requester;
  }

  @Get('open')
  @Public()
  open(@Requester() requester: UserRequester | undefined) {
    return { requester: requester ?? null };
  }

  @Get('optional')
  @OptionalAccessToken()
  optional(@Requester() requester: UserRequester | undefined) {
    return { requester: requester?.userId ?? null };
  }

  @Post('federation')
  @FederationSignature()
  federation(@Requester() requester: { serverName: ServerName }) {
    return requester;
  }
}

@Module({ controllers: [TestController], providers: [Tokens, TokenAuthenticator, BodyAuthenticator] })
class TestModule {}

let app: NestFastifyApplication;
let base: string;

beforeAll(async () => {
  app = await createMatrixApp(TestModule, { listener: 'test', logger });
  await app.listen(0, '127.0.0.1');
  base = await app.getUrl();
});
afterAll(() => app.close());

async function call(path: string, headers: Record<string, string> = {}, method = 'GET', body?: string) {
  const answer = await request(base + path, { headers, method: method as 'GET', body: body ?? null });
  return { status: answer.statusCode, ...((await answer.body.json()) as object) };
}

describe('access tokens', () => {
  test('come in the header or, from old clients, in the query', async () => {
    expect(await call('/whoami', { authorization: 'Bearer alice-token' })).toMatchObject({
      status: 200,
      userId: '@alice:s',
    });
    expect(await call('/whoami?access_token=alice-token')).toMatchObject({ status: 200, userId: '@alice:s' });
  });

  test.each([
    [{}, '', 401, 'M_MISSING_TOKEN'],
    [{ authorization: 'Basic YTpi' }, '', 401, 'M_MISSING_TOKEN'],
    [{ authorization: 'Bearer forged' }, '', 401, 'M_UNKNOWN_TOKEN'],
    [{}, '?access_token=forged', 401, 'M_UNKNOWN_TOKEN'],
    [{ authorization: 'Bearer guest-token' }, '', 403, 'M_GUEST_ACCESS_FORBIDDEN'],
  ])('%j%s is %d %s', async (headers, query, status, errcode) => {
    expect(await call(`/whoami${query}`, headers as Record<string, string>)).toMatchObject({
      status,
      errcode,
    });
  });

  test('let guests in where the route says so', async () => {
    expect(await call('/guests', { authorization: 'Bearer guest-token' })).toMatchObject({
      status: 200,
      isGuest: true,
    });
  });

  test('are checked before the body is read', async () => {
    expect(await call('/write', {}, 'PUT', 'not JSON')).toMatchObject({
      status: 401,
      errcode: 'M_MISSING_TOKEN',
    });
  });

  test('are needed for HEAD as for GET', async () => {
    const head = (headers: Record<string, string>) => request(`${base}/whoami`, { method: 'HEAD', headers });
    expect((await head({})).statusCode).toBe(401);
    expect((await head({ authorization: 'Bearer alice-token' })).statusCode).toBe(200);
  });

  test('may be left out where they are optional, but not wrong', async () => {
    expect(await call('/optional')).toEqual({ status: 200, requester: null });
    expect(await call('/optional', { authorization: 'Bearer alice-token' })).toEqual({
      status: 200,
      requester: '@alice:s',
    });
    expect(await call('/optional', { authorization: 'Bearer forged' })).toMatchObject({
      status: 401,
      errcode: 'M_UNKNOWN_TOKEN',
    });
  });

  test('are not looked at on public routes', async () => {
    expect(await call('/open', { authorization: 'Bearer forged' })).toEqual({ status: 200, requester: null });
  });
});

test('a signature is checked with the body', async () => {
  expect(await call('/federation', {}, 'POST', '{"origin":"good.example"}')).toEqual({
    status: 200,
    serverName: 'good.example',
  });
  expect(await call('/federation', {}, 'POST', '{"origin":"evil.example"}')).toMatchObject({
    status: 403,
    errcode: 'M_FORBIDDEN',
  });
});

describe('an application does not start', () => {
  test('with a route that declares no authentication', async () => {
    @Controller('forgotten')
    class ForgottenController {
      @Get('door')
      open() {
        return {};
      }
    }
    @Module({ controllers: [ForgottenController] })
    class ForgottenModule {}
    await expect(createMatrixApp(ForgottenModule, { listener: 'test', logger })).rejects.toThrow(
      'GET /forgotten/door declares nothing',
    );
  });

  test('with a scheme that nothing can check', async () => {
    @Controller('signed')
    class SignedController {
      @FederationSignature()
      @Get()
      read() {
        return {};
      }
    }
    @Module({ controllers: [SignedController] })
    class SignedModule {}
    await expect(createMatrixApp(SignedModule, { listener: 'test', logger })).rejects.toThrow(
      'needs an authenticator for federationSignature',
    );
  });
});
