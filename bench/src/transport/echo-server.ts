import { connectRedis, OnCommand, StreamServer } from '@atoll/redis-streams';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { Echo, ECHO_INSTANCE, ECHO_SERVICE } from './echo.command.js';

@Controller()
class EchoHandler {
  @OnCommand(Echo)
  handle({ text }: { text: string }): Promise<{ eventId: string }> {
    return Promise.resolve({ eventId: text.slice(0, 44) });
  }
}

@Module({ controllers: [EchoHandler] })
class EchoModule {}

// A process of its own, started by the benchmark with the address of Redis.
const redis = connectRedis(process.argv[2] ?? '', ECHO_INSTANCE);
const app = await NestFactory.createMicroservice<MicroserviceOptions>(EchoModule, {
  strategy: new StreamServer({ redis, service: ECHO_SERVICE, instance: ECHO_INSTANCE }),
  logger: false,
});
await app.listen();
