import { readFile } from 'node:fs/promises';
import type { Scene } from './scene.js';
import type { Homeserver } from './servers/homeserver.js';
import type { Step } from './step.js';

/** What came of a step. */
export interface Outcome {
  readonly step: string;
  readonly scene: Scene;
  readonly seconds: number;
  readonly result: 'pass' | 'fail' | 'skip';
  /** What failed and what the logs complained of meanwhile, or why it was skipped. */
  readonly remark?: string;
}

/** Plays a step within its time; never throws. */
export async function playStep(step: Step, scene: Scene): Promise<Outcome> {
  const skips = step.skips?.(scene);
  if (skips !== undefined) return { step: step.name, scene, seconds: 0, result: 'skip', remark: skips };
  const began = Date.now();
  const servers = [scene.host, scene.guest];
  const lengths = await Promise.all(servers.map(async ({ logFile }) => (await readFile(logFile)).length));
  try {
    await withinTime(step.play(scene), step.timeoutMs ?? 60_000);
  } catch (error) {
    const complaints = await Promise.all(
      servers.map((server, index) => complaintsSince(server, lengths[index] ?? 0)),
    );
    const remark = [messageOf(error), ...complaints.flat()].join('\n');
    return { step: step.name, scene, seconds: secondsSince(began), result: 'fail', remark };
  }
  return { step: step.name, scene, seconds: secondsSince(began), result: 'pass' };
}

const secondsSince = (began: number): number => (Date.now() - began) / 1000;

async function withinTime(playing: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`not done in ${timeoutMs} ms`));
    }, timeoutMs);
  });
  try {
    await Promise.race([playing, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

const mostComplaints = 6;

/** The last lines with warnings and errors that a server logged after `length` bytes. */
async function complaintsSince(server: Homeserver, length: number): Promise<string[]> {
  const lines = (await readFile(server.logFile)).subarray(length).toString('utf8').split('\n');
  return lines
    .filter((line) => server.complains(line))
    .slice(-mostComplaints)
    .map((line) => `  ${server.name}: ${line.slice(0, 500)}`);
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${error.message}${cause}`;
}
