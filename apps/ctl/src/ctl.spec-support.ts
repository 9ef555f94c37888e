import { jest } from '@jest/globals';
import { program } from './program.js';

/** Runs the command line and returns what it printed. */
export async function ctl(...args: string[]): Promise<string> {
  let printed = '';
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    printed += String(chunk);
    return true;
  });
  try {
    await program().parseAsync(args, { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return printed;
}
