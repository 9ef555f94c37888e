import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Clock ticks in /proc, the same on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100;
const MB_PER_KIB = 1024 / 1e6;

/** Processor seconds that a process has used. */
export function cpuSeconds(pid: number): number {
  const [user, system] = statOf(pid).slice(11, 13).map(Number);
  return ((user ?? 0) + (system ?? 0)) / TICKS_PER_SECOND;
}

/** Processor seconds that a process and its children, such as the sessions of PostgreSQL, have used. */
export function cpuSecondsOfTree(pid: number): number {
  const [user, system] = statOf(pid).slice(13, 15).map(Number);
  const ended = ((user ?? 0) + (system ?? 0)) / TICKS_PER_SECOND;
  return [pid, ...childrenOf(pid)].reduce((sum, one) => sum + cpuSeconds(one), ended);
}

/** Share of the machine that was busy since `before`, 0 to 1. */
export function busyShare(before: MachineTime, now = machineTime()): number {
  return 1 - (now.idle - before.idle) / (now.total - before.total);
}

export interface MachineTime {
  readonly idle: number;
  readonly total: number;
}

/** What all processors together have done, in ms. */
export function machineTime(): MachineTime {
  const times = cpus().map((cpu) => cpu.times);
  const sum = (values: number[]) => values.reduce((one, other) => one + other, 0);
  return {
    idle: sum(times.map(({ idle }) => idle)),
    total: sum(times.flatMap((time) => Object.values(time))),
  };
}

/** Resident memory of one process, in MB of 1,000,000 bytes. */
export function residentMB(pid: number): number {
  return kibOf(readProc(pid, 'status'), 'VmRSS') * MB_PER_KIB;
}

/** Memory of a process and its children where shared pages count once, in MB. */
export function proportionalMB(pid: number): number {
  const all = [pid, ...childrenOf(pid)].map((one) => kibOf(readProc(one, 'smaps_rollup'), 'Pss'));
  return all.reduce((sum, kib) => sum + kib, 0) * MB_PER_KIB;
}

export function childrenOf(pid: number): number[] {
  const numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return numbers.map(Number).filter((one) => Number(statOf(one)[1]) === pid);
}

export function commandOf(pid: number): string {
  return readProc(pid, 'comm').trim();
}

/** The fields of /proc/pid/stat after the name, which may hold anything; empty for a process that has ended. */
function statOf(pid: number): string[] {
  const text = readProc(pid, 'stat');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function kibOf(text: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
