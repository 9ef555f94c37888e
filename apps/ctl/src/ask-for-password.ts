import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { CommandFailed } from './command-failed.js';

/**
 * Asks twice at the terminal, without showing what is typed.
 * @throws CommandFailed without a terminal, or when the answers differ
 */
export async function askForPassword(): Promise<string> {
  if (!process.stdin.isTTY) throw new CommandFailed('no terminal to ask for a password: use --password-file');
  const silent = new Writable({
    write(_chunk, _encoding, done) {
      done();
    },
  });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  const ask = async (question: string) => {
    process.stderr.write(question);
    const answer = await terminal.question('');
    process.stderr.write('\n');
    return answer;
  };
  try {
    const password = await ask('Password: ');
    if (password === '') throw new CommandFailed('the password is empty');
    if (password !== (await ask('Again: '))) throw new CommandFailed('the passwords differ');
    return password;
  } finally {
    terminal.close();
  }
}
