import { Command } from 'commander';
import { checkConfig } from './config-check.command.js';
import { createRegistrationToken } from './create-registration-token.command.js';
import { createUser } from './create-user.command.js';
import { listDeadLettersOf } from './dead-letters.command.js';
import { listDestinations, retryDestination } from './destinations.command.js';
import { migrate } from './migrate.command.js';
import { listPartitions } from './partitions.command.js';
import { explainRoom } from './explain-room.command.js';
import { listResets, retryStaged, showRoom } from './room.command.js';
import { generateKey } from './signing-key.command.js';

/** The command line of operators; it reads the same configuration as the services. */
export function program(): Command {
  const root = new Command('ctl').description('Operates an Atoll homeserver').showHelpAfterError();
  root.command('migrate').description('bring the database to the schema of this release').action(migrate);
  root
    .command('create-user')
    .description('create a local account')
    .argument('<localpart>', 'the part of the user id between @ and :')
    .option('--admin', 'may use the admin API', false)
    .option(
      '--password-file <path>',
      'read the password from a file, - for standard input; else it is asked for',
    )
    .action(createUser);
  root
    .command('create-registration-token')
    .description('make a token that lets people register')
    .option('--uses <number>', 'how many accounts it may make; else any number')
    .action(createRegistrationToken);
  root
    .command('partitions')
    .description('who owns which partitions, and which have no live owner')
    .action(listPartitions);
  root
    .command('dead-letters')
    .description('list work that was given up after its last try')
    .option('--service <name>', 'only of this service')
    .action(listDeadLettersOf);
  const destinations = root
    .command('destinations')
    .description('what other servers were sent, what they are owed, and which of them fail')
    .action(listDestinations);
  destinations
    .command('retry')
    .description('try a failing one now, whatever its back-off')
    .argument('<name>', 'its server name')
    .action(retryDestination);
  const room = root
    .command('room')
    .description('what a room stands on: members, extremities, what waits')
    .argument('<room id>')
    .action(showRoom);
  room
    .command('resets')
    .description('state that a resolution moved without an event that did so')
    .argument('<room id>')
    .action(listResets);
  room
    .command('explain')
    .description('why the state came out as it did where branches met at an event')
    .argument('<room id>')
    .argument('<event id>', 'such as the cause of a reset')
    .action(explainRoom);
  const staged = root.command('staged').description('events of other servers that wait for their room');
  staged
    .command('retry')
    .description('try those of a room now that wait for what they miss')
    .argument('<room id>')
    .action(retryStaged);
  const config = root.command('config').description('the configuration');
  config.command('check').description('validate it and show what it comes to').action(checkConfig);
  const keys = root.command('signing-key').description('the key that signs events');
  keys
    .command('generate')
    .description('make a new key; an existing file is never overwritten')
    .argument('[file]', 'where to write it; standard output without')
    .action(generateKey);
  return root;
}
