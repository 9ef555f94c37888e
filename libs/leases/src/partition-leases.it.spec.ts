import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Database, migrateToLatest, openDatabase } from '@atoll/database';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import { Logger } from '@nestjs/common';
import { setTimeout } from 'node:timers/promises';
import { CREATE_WRITES, KIND, LeaseInstance, PARTITIONS } from './lease-instance.spec-support.js';
import { OwnerDirectory } from './owner-directory.js';

describe('partition leases', () => {
  let server: TestDatabase;
  let observer: Database;
  const running = new Set<LeaseInstance>();
  const children = new Set<ChildProcess>();

  beforeAll(async () => {
    Logger.overrideLogger(false);
    server = await testDatabase();
    observer = openDatabase({ url: server.url, poolSize: 2, applicationName: 'observer' });
    await migrateToLatest(observer.db);
    await observer.pool.query(CREATE_WRITES);
  });

  afterEach(async () => {
    await Promise.all([...running].map(stop));
    for (const child of children) child.kill('SIGKILL');
    children.clear();
    await observer.pool.query('DELETE FROM members; UPDATE partitions SET owner = NULL');
  });

  afterAll(async () => {
    await observer.close();
    await server.drop();
  });

  const hintAll = (): void => {
    for (const { leases } of running) leases.hint();
  };

  async function start(name: string, onAcquired = (): void => undefined): Promise<LeaseInstance> {
    const instance = new LeaseInstance(server.url, name, { announceChange: hintAll, onAcquired });
    running.add(instance);
    return instance.start();
  }

  async function stop(instance: LeaseInstance): Promise<void> {
    running.delete(instance);
    await instance.stop();
  }

  /** An instance in a process of its own, once it owns its share beside the others. */
  async function startProcess(
    name: string,
  ): Promise<{ child: ChildProcess; said: (line: string) => Promise<void> }> {
    const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
    const child = spawn(
      process.execPath,
      [
        ...['--conditions=@atoll/source', '--import', here('../../../scripts/run-typescript.mjs')],
        ...[here('./lease-process.spec-support.ts'), server.url, name],
      ],
      { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } },
    );
    children.add(child);
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    const said = (line: string): Promise<void> => until(() => output.includes(`${line}\n`), 15_000);
    await said('started');
    return { child, said };
  }

  async function until(reached: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!(await reached())) {
      if (Date.now() > deadline) throw new Error(`not reached within ${withinMs} ms`);
      await setTimeout(10);
    }
  }

  const ownsAll = (instance: LeaseInstance) => (): boolean => instance.leases.owned().size === PARTITIONS;

  /** The whole history of writes: no epoch has two writers, and no partition goes back to an older epoch. */
  async function expectSoundHistory(): Promise<void> {
    const twoWriters = `SELECT FROM writes GROUP BY partition, epoch HAVING count(DISTINCT instance) > 1`;
    expect((await observer.pool.query(twoWriters)).rowCount).toBe(0);
    const regressions = `SELECT FROM (
      SELECT epoch, lag(epoch) OVER (PARTITION BY partition ORDER BY position) AS before FROM writes) AS w WHERE epoch < before`;
    expect((await observer.pool.query(regressions)).rowCount).toBe(0);
    expect((await observer.pool.query('SELECT FROM writes LIMIT 1')).rowCount).toBe(1);
  }

  it('give the first instance everything, share with those that join, and pass on what a leaver had', async () => {
    const a = await start('share-a');
    expect(ownsAll(a)()).toBe(true);

    const b = await start('share-b');
    await until(
      () => a.leases.owned().size + b.leases.owned().size === PARTITIONS && b.leases.owned().size > 4,
      10_000,
    );
    expect(a.drained).toBe(b.leases.owned().size);

    const left = Date.now();
    await stop(b);
    await until(ownsAll(a), 10_000);
    // Nobody waited for the life of a lease to end.
    expect(Date.now() - left).toBeLessThan(4_500);
    expect(a.fenced + b.fenced).toBe(0);
    await expectSoundHistory();
  });

  it('tell the gate who owns what', async () => {
    const a = await start('gate-a');
    const b = await start('gate-b');
    await until(
      () => a.leases.owned().size + b.leases.owned().size === PARTITIONS && b.leases.owned().size > 0,
      3_000,
    );
    const [partition = -1, epoch = -1] = [...b.leases.owned()][0] ?? [];
    expect(b.leases.check(partition, epoch)).toEqual({ owned: true });
    expect(b.leases.check(partition, epoch - 1)).toEqual({ owned: false, owner: 'gate-b', epoch });
    await until(() => 'owner' in a.leases.check(partition, epoch), 3_000);
    expect(a.leases.check(partition, epoch)).toEqual({ owned: false, owner: 'gate-b', epoch });
  });

  it('pass to others within 10 s of a kill, and come back to the process under new epochs', async () => {
    const { child } = await startProcess('killed');
    const a = await start('survivor');
    await until(() => a.leases.owned().size > 4, 5_000);
    child.kill('SIGKILL');
    const killed = Date.now();
    await until(ownsAll(a), 10_000);
    expect(Date.now() - killed).toBeGreaterThan(3_000);

    await startProcess('killed');
    await until(() => !ownsAll(a)(), 3_000);
    await expectSoundHistory();
  });

  it('pass to others when the owner freezes inside a commit, which is refused when it thaws', async () => {
    const { child, said } = await startProcess('frozen');
    const a = await start('taker');
    await until(() => a.leases.owned().size > 4, 5_000);
    await until(() => a.leases.owned().size < PARTITIONS, 3_000);
    const frozen = Date.now();
    child.stdin?.write('freeze\n');
    await until(ownsAll(a), 10_000);
    expect(Date.now() - frozen).toBeGreaterThan(3_000);

    child.kill('SIGCONT');
    await said('thawed: refused');
    await said('afterwards: NotOwnerError');
    expect((await observer.pool.query('SELECT FROM redactions')).rowCount).toBe(0);
    await until(() => !ownsAll(a)(), 5_000);
    await expectSoundHistory();
  });

  it('end by the clock of an instance that cannot reach the database, before another takes over', async () => {
    const cutOff = await start('cut-off');
    const [partition = -1, epoch = -1] = [...cutOff.leases.owned()][0] ?? [];
    let isCut = false;
    const mayWriteAtTakeover = new Set<boolean>();
    const a = await start('successor', () => {
      if (isCut) mayWriteAtTakeover.add(cutOff.leases.mayWrite());
    });
    await until(() => a.leases.owned().size + cutOff.leases.owned().size === PARTITIONS, 3_000);
    running.delete(cutOff);
    isCut = true;
    await cutOff.database.close();
    await until(ownsAll(a), 10_000);
    expect([...mayWriteAtTakeover]).toEqual([false]);
    expect(cutOff.leases.check(partition, epoch)).toEqual({ owned: false });
    await expectSoundHistory();
    const drainedBefore = cutOff.drained;
    await expect(cutOff.stop()).rejects.toThrow();
    expect(cutOff.drained).toBeGreaterThan(drainedBefore);
    expect(cutOff.leases.owned().size).toBe(0);
  });

  it('are followed by callers, who share queries and see no owner in an expired one', async () => {
    const a = await start('owner');
    const directory = new OwnerDirectory(observer, KIND);
    const owners = await Promise.all([0, 1, 2].map((partition) => directory.ownerOf(partition)));
    expect(owners).toEqual([0, 1, 2].map((p) => ({ instance: 'owner', epoch: a.leases.owned().get(p) })));
    expect(await directory.liveMembers()).toEqual(['owner']);

    directory.learn(1, 'newer', 1_000_000);
    directory.learn(1, 'older', 3);
    expect(await directory.ownerOf(1)).toEqual({ instance: 'newer', epoch: 1_000_000 });
    directory.forget(1);
    expect(await directory.ownerOf(1)).toEqual(owners[1]);

    await stop(a);
    directory.forget(2);
    expect(await directory.ownerOf(2)).toBeUndefined();
    expect(await directory.liveMembers()).toEqual([]);
  });
});
