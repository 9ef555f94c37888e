import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Module, Controller } from '@nestjs/common';
import { Server } from '@nestjs/microservices';
import { OnCommand } from '@atoll/redis-streams';
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
class S extends Server {
  listen(cb) {
    cb();
  }
  close() {}
  on() {}
  unwrap() {}
}
const s = new S();
const app = await NestFactory.createMicroservice(Mod, { strategy: s, logger: false });
await app.listen();
const h = [...s.getHandlers().values()][0];
const c = new Ctl();
const input = { text: 'abc' };
for (const [n, f] of [
  ['nest', () => h(input, {})],
  ['raw', () => c.echo(input, {})],
  ['nest', () => h(input, {})],
  ['raw', () => c.echo(input, {})],
]) {
  for (let i = 0; i < 20000; i++) await f();
  const t = performance.now();
  for (let i = 0; i < 300000; i++) await f();
  console.log(n, (((performance.now() - t) / 300000) * 1000).toFixed(2), 'us');
}
process.exit(0);
