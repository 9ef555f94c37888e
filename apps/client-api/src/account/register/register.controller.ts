import type { Config } from '@atoll/config';
import { jsonObjectSchema } from '@atoll/contract';
import { RegistrationTokenReader } from '@atoll/database';
import { issuesToMatrixError, optionalBody, Public } from '@atoll/http';
import type { JsonObject } from '@atoll/matrix';
import { Body, Controller, Get, Inject, Ip, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { RateLimiter } from '../../auth/rate-limiter.js';
import { isRegistrationToken } from '../../auth/uia/registration-token.stage.js';
import { CONFIG } from '../../platform/tokens.js';
import { RegisterGuestHandler } from './register-guest.handler.js';
import { RegisterHandler } from './register.handler.js';
import { registerGuestSchema, registerQuerySchema, registerSchema } from './register.schema.js';
import { registrationFlows } from './registration-flows.js';

const availableQuerySchema = z.object({ username: z.string() });
const validityQuerySchema = z.object({ token: z.string() });

@Controller('/_matrix/client')
@Public()
export class RegisterController {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly handler: RegisterHandler,
    private readonly guests: RegisterGuestHandler,
    private readonly tokens: RegistrationTokenReader,
    private readonly rateLimiter: RateLimiter,
  ) {}

  @Post('v3/register')
  register(
    @Query({ schema: registerQuerySchema }) { kind }: z.output<typeof registerQuerySchema>,
    @Body({ schema: optionalBody(jsonObjectSchema) }) body: JsonObject,
    @Ip() ip: string,
  ): Promise<JsonObject> {
    if (kind === 'user') return this.handler.register(fitting(body, registerSchema), ip);
    return this.guests.register(fitting(body, registerGuestSchema).initial_device_display_name, ip);
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

/** The kind of account says what the body must be. */
function fitting<T extends z.ZodType>(body: JsonObject, schema: T): z.output<T> {
  const { success, data, error } = schema.safeParse(body);
  if (success) return data;
  throw issuesToMatrixError(error.issues, 'body', body);
}
