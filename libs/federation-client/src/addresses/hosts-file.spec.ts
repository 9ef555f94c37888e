import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { HostsFile } from './hosts-file.js';

describe('the hosts file', () => {
  it('gives all addresses of a name, in any case, and notices changes', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'hosts-')), 'hosts');
    let now = 0;
    const hosts = new HostsFile(path, () => now);
    await writeFile(path, '# comment\n127.0.0.1 localhost hs1 # hs3\n::1\tlocalhost\nnonsense hs2\n');
    expect(await hosts.addresses('LocalHost')).toEqual(['127.0.0.1', '::1']);
    expect(await hosts.addresses('hs1')).toEqual(['127.0.0.1']);
    expect(await hosts.addresses('hs2')).toEqual([]);
    expect(await hosts.addresses('hs3')).toEqual([]);
    await writeFile(path, '10.0.0.1 hs2\n');
    expect(await hosts.addresses('hs2')).toEqual([]);
    now = 5_001;
    expect(await hosts.addresses('hs2')).toEqual(['10.0.0.1']);
  });

  it('may be missing', async () => {
    expect(await new HostsFile('/does/not/exist').addresses('localhost')).toEqual([]);
  });
});
