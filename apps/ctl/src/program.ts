import { Command } from 'commander';
import { checkConfig } from './config-check.command.js';
import { createRegistrationToken } from './create-registration-token.command.js';
import { createUser } from './create-user.command.js';
import { listDestinations, retryDestination } from './destinations.command.js';
import { migrate } from './migrate.command.js';
import { listNotices, sendNotice } from './notices.command.js';
import { listPartitions } from './partitions.command.js';
import { explainRoom } from './explain-room.command.js';
import { listReports } from './reports.command.js';
import { listResets, retryStaged, showRoom } from './room.command.js';
import { cancelJob, listJobs, retryJob, showJob } from './jobs.command.js';
import { deleteRoom, purgeHistory, unblockRoom } from './rooms.command.js';
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
    // Loaded when it is wanted: it alone needs the transport, and with that half of Nest.
    .action(async (options: { service?: string }) => {
      const { listDeadLettersOf } = await import('./dead-letters.command.js');
      await listDeadLettersOf(options);
    });
  root
    .command('reports')
    .description('events, rooms and users that somebody has reported')
    .action(listReports);
  const notices = root
    .command('notices')
    .description('what users were told by the server, and whom it has not reached')
    .action(listNotices);
  notices
    .command('send')
    .description('tell a user, or everybody, something')
    .usage('[options] [user id] <text>')
    .argument('<words...>', 'whom, unless it is everybody; and what')
    .option('--all', 'everybody who has an account', false)
    .option('--id <id>', 'of the notice: with the same one it is not sent again')
    .action(sendNotice);
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
  addRooms(root);
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

/** What takes many steps with a room, and is done by its owner. */
function addRooms(root: Command): void {
  const rooms = root.command('rooms').description('delete rooms, and what is in them');
  rooms
    .command('delete')
    .description('make local users leave a room, then forget it')
    .argument('<room id>')
    .option('--block', 'nobody here can enter it again', false)
    .option('--no-purge', 'keep its rows')
    .option('--force', 'purge it even if somebody cannot be made to leave', false)
    .option('--purge-after <seconds>', 'for how long syncing clients may learn that the room was left', '60')
    .action(deleteRoom);
  rooms
    .command('purge-history')
    .description('delete messages from before a point; state stays')
    .argument('<room id>')
    .requiredOption('--before <point>', 'an event id, a date, or ms since 1970')
    .option('--delete-local-events', 'those of local users too, which perhaps no other server has', false)
    .action(purgeHistory);
  rooms
    .command('unblock')
    .description('let local users enter a room again that was blocked')
    .argument('<room id>')
    .action(unblockRoom);
  const jobs = root
    .command('jobs')
    .description('what is being done with rooms, the newest first')
    .action(listJobs);
  jobs.command('show').description('how far a job is').argument('<job>').action(showJob);
  jobs
    .command('retry')
    .description('go on with a job that has failed, where it failed')
    .argument('<job>')
    .action(retryJob);
  jobs
    .command('cancel')
    .description('stop a purge of history, or a deletion that has not begun to delete rows')
    .argument('<job>')
    .action(cancelJob);
}
