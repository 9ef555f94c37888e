import { type Fence, fencePartitions, isCommitInDoubt } from '@atoll/database';
import { KIND, LeaseInstance } from './lease-instance.spec-support.js';

/**
 * An instance in a process of its own. Any input makes it stop itself with SIGSTOP inside a transaction that has passed its fence; when it
 * goes on it tries to finish that one, then one more under its old epochs, and says what became of them.
 */
const [url = '', name = ''] = process.argv.slice(2);
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

// Longer than the lease: what frees the locks of a frozen owner must not rely on this setting alone.
const instance = await new LeaseInstance(url, name, { idleInTransactionTimeoutMs: 60_000 }).start();
say('started');

process.stdin.once('data', () => {
  const fences = [...instance.leases.owned()].map(([partition, epoch]) => ({ partition, epoch }));
  void freezeInsideCommit(fences)
    .then((outcome) => say(`thawed: ${outcome}`))
    .then(() => instance.commit(fences))
    .catch((error: unknown) => say(`afterwards: ${error instanceof Error ? error.name : 'failed'}`));
});

async function freezeInsideCommit(fences: readonly Fence[]): Promise<string> {
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
