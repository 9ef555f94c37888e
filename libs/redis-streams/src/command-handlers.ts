import type { Command } from '@atoll/contract';
import type { MessageHandler } from '@nestjs/microservices';

export interface CommandHandler {
  readonly command: Command;
  readonly handle: MessageHandler;
}

/** The handlers of one server by pattern and version. */
export class CommandHandlers {
  private readonly byPattern = new Map<string, Map<number, CommandHandler>>();

  /** @throws Error when a handler was not declared with `@OnCommand`, which gives it its schemas. */
  constructor(handlers: Iterable<readonly [route: string, handler: MessageHandler]>) {
    for (const [route, handle] of handlers) {
      const command = handle.extras?.['command'] as Command | undefined;
      if (!command) throw new Error(`The handler of ${route} has no command: declare it with @OnCommand`);
      const versions = this.byPattern.get(command.pattern) ?? new Map<number, CommandHandler>();
      this.byPattern.set(command.pattern, versions.set(command.version, { command, handle }));
    }
  }

  find(pattern: string, version: number): CommandHandler | undefined {
    return this.byPattern.get(pattern)?.get(version);
  }

  /** The versions of a pattern that this server knows. */
  versions(pattern: string): number[] {
    return [...(this.byPattern.get(pattern)?.keys() ?? [])];
  }
}
