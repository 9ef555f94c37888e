import { fencePartitions, isCommitInDoubt } from '@atoll/database';
import { KIND, LeaseInstance } from './lease-instance.spec-support.js';

/**
 * An instance in a process of its own, told on standard input what to do. `freeze` stops the process with SIGSTOP inside a
 * transaction that has passed its fence; when it goes on it tries to commit, and says what became of it.
 */
const [url = '', name = ''] = process.argv.slice(2);
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

// Longer than the lease: what frees the locks of a frozen owner must not rely on this setting alone.
const instance = await new LeaseInstance(url, name, { idleInTransactionTimeoutMs: 60_000 }).start();
say('started');

process.stdin.on('data', (data) => {
  if (data.toString().startsWith('freeze')) {
    void freeze().then(say, () => say('failed'));
  }
});

async function freeze(): Promise<string> {
  const fences = [...instance.leases.owned()].map(([partition, epoch]) => ({ partition, epoch }));
  try {
    await instance.database.db.transaction().execute(async (trx) => {
      await fencePartitions(trx, KIND, name, fences);
      process.kill(process.pid, 'SIGSTOP');
      await trx.insertInto('redactions').values({ redacted_event_nid: 1, redaction_event_nid: 1 }).execute();
    });
    return 'committed';
  } catch (error) {
    return isCommitInDoubt(error) ? 'in doubt' : 'refused';
  }
}
