/** The configuration cannot be used; the message lists every problem, one a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly string[]) {
    super(
      `The configuration has ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n${list(problems)}`,
    );
  }
}

const list = (problems: readonly string[]) => problems.map((problem) => `  - ${problem}`).join('\n');
