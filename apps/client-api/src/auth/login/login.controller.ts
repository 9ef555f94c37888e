import { Public } from '@atoll/http';
import type { JsonObject } from '@atoll/matrix';
import { Body, Controller, Get, Ip, Post } from '@nestjs/common';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';
import { LoginHandler } from './login.handler.js';
import { type LoginRequest, loginSchema } from './login.schema.js';

@Controller('/_matrix/client/v3/login')
@Public()
export class LoginController {
  constructor(private readonly handler: LoginHandler) {}

  @Get()
  @RateLimited('flows-address')
  getLoginFlows() {
    return { flows: [{ type: 'm.login.password' }] };
  }

  @Post()
  login(@Body({ schema: loginSchema }) body: LoginRequest, @Ip() ip: string): Promise<JsonObject> {
    return this.handler.logIn(body, ip);
  }
}
