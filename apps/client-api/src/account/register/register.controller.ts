import type { Config } from '@atoll/config';
import { RegistrationTokenReader } from '@atoll/database';
import { Public, optionalBody } from '@atoll/http';
import { type JsonObject, MatrixError } from '@atoll/matrix';
import { Body, Controller, Get, Inject, Ip, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { RateLimiter } from '../../auth/rate-limiter.js';
import { isRegistrationToken } from '../../auth/uia/registration-token.stage.js';
import { CONFIG } from '../../platform/tokens.js';
import { RegisterHandler } from './register.handler.js';
import { registerQuerySchema, type RegisterRequest, registerSchema } from './register.schema.js';
import { registrationFlows } from './registration-flows.js';

const availableQuerySchema = z.object({ username: z.string() });
const validityQuerySchema = z.object({ token: z.string() });

@Controller('/_matrix/client')
@Public()
export class RegisterController {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly handler: RegisterHandler,
    private readonly tokens: RegistrationTokenReader,
    private readonly rateLimiter: RateLimiter,
  ) {}

  @Post('v3/register')
  register(
    @Query({ schema: registerQuerySchema }) { kind }: z.output<typeof registerQuerySchema>,
    @Body({ schema: optionalBody(registerSchema) }) body: RegisterRequest,
    @Ip() ip: string,
  ): Promise<JsonObject> {
    if (kind === 'guest')
      throw new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'There are no guest accounts here');
    return this.handler.register(body, ip);
  }

  @Get('v3/register/available')
  async checkUsernameAvailability(
    @Query({ schema: availableQuerySchema }) { username }: z.output<typeof availableQuerySchema>,
    @Ip() ip: string,
  ) {
    await this.handler.checkAvailable(username, ip);
    return { available: true };
  }

  @Get('v1/register/m.login.registration_token/validity')
  async registrationTokenValidity(
    @Query({ schema: validityQuerySchema }) { token }: z.output<typeof validityQuerySchema>,
    @Ip() ip: string,
  ) {
    registrationFlows(this.config);
    await this.rateLimiter.take('registration-token-address', ip);
    return { valid: isRegistrationToken(token) && (await this.tokens.isValid(token)) };
  }
}
