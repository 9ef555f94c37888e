import { serviceNames } from '@atoll/contract';
import { listDeadLetters } from '@atoll/redis-streams';
import { CommandFailed } from './command-failed.js';
import { print, printTable } from './output.js';
import { withRedis } from './with-redis.js';

/** Lists what, when and why, without the payloads: they hold what people wrote. */
export async function listDeadLettersOf(options: { service?: string }): Promise<void> {
  const services = serviceNames.filter((name) => options.service === undefined || name === options.service);
  if (services.length === 0) throw new CommandFailed(`there is no service ${options.service ?? ''}`);
  await withRedis(async (redis) => {
    const rows: string[][] = [];
    for (const service of services) {
      for (const letter of await listDeadLetters(redis, service, 1000)) {
        const { id, at, pattern, deliveries, reason } = letter;
        rows.push([service, id, new Date(at).toISOString(), pattern, String(deliveries), reason]);
      }
    }
    if (rows.length === 0) print('no dead letters');
    else printTable(['SERVICE', 'ID', 'GIVEN UP AT', 'WORK', 'TRIES', 'REASON'], rows);
  });
}
