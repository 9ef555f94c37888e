import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Module, Controller } from '@nestjs/common';
import { connectRedis, OnCommand, StreamServer } from '@atoll/redis-streams';
import { Echo } from './shared.mjs';
class Ctl {
  async echo(input) {
    return { length: input.text.length };
  }
}
Controller()(Ctl);
OnCommand(Echo)(Ctl.prototype, 'echo', Object.getOwnPropertyDescriptor(Ctl.prototype, 'echo'));
class Mod {}
Module({ controllers: [Ctl] })(Mod);
const redis = connectRedis(process.argv[2], 'server');
const server = new StreamServer({
  redis,
  service: 'bench',
  instance: 'one',
  gate: { check: () => ({ owned: true }) },
});
const app = await NestFactory.createMicroservice(Mod, { strategy: server, logger: ['error', 'warn'] });
await app.listen();
process.send?.('ready');
process.on('SIGTERM', async () => {
  await app.close();
  redis.disconnect();
  process.exit(0);
});
if (process.argv[3] === 'raw') {
  // bypass nest proxy
}
let last = process.cpuUsage();
process.on('message', () => {
  const c = process.cpuUsage(last);
  last = process.cpuUsage();
  process.send({ cpu: (c.user + c.system) / 1000 });
});
