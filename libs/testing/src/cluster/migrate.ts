import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { appArguments } from '../repository.js';

/** Brings the database to the newest schema with the command that operators use. */
export async function migrate(env: Record<string, string>): Promise<void> {
  await promisify(execFile)(process.execPath, appArguments('ctl', 'migrate'), { env });
}
