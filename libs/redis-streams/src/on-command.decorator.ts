import type { Command, CommandInput, CommandOutput } from '@atoll/contract';
import { applyDecorators, Catch, UseFilters, type ExceptionFilter } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import type { CommandContext } from './command-context.js';

/** Leaves errors as they are: the server tells Matrix errors from others, which Nest's own filter would blur. */
@Catch()
class PassErrorsOn implements ExceptionFilter {
  catch(error: unknown): never {
    throw error;
  }
}

type Handler<C extends Command> = (
  input: CommandInput<C>,
  context: CommandContext,
) => Promise<CommandOutput<C>>;

/**
 * `@MessagePattern` for a command: the method receives the validated input and a `CommandContext`. To serve two versions
 * side by side, write one method for each.
 */
export function OnCommand<C extends Command>(command: C) {
  const decorate = applyDecorators(
    MessagePattern(routeOf(command), { command }),
    UseFilters(new PassErrorsOn()),
  );
  return <Method extends Handler<C>>(
    target: object,
    name: string | symbol,
    method: TypedPropertyDescriptor<Method>,
  ): void => {
    // Without these Nest would pass the payload alone.
    Payload()(target, name, 0);
    Ctx()(target, name, 1);
    decorate(target, name, method);
  };
}

function routeOf(command: Command): string {
  return `${command.pattern}@${command.version}`;
}
