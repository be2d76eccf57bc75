import { Command, CommanderError, Option } from 'commander';
import { findNearest } from '../core/nearest.ts';
import { visibleText } from '../core/terminal-text.ts';
import type { Edge } from './command-context.ts';
import { addAccept } from './commands/accept.ts';
import { addBaseline } from './commands/baseline.ts';
import { addBranches } from './commands/branches.ts';
import { addCheck } from './commands/check.ts';
import { addCurrent } from './commands/current.ts';
import { addDown } from './commands/down.ts';
import { addDowngrade } from './commands/downgrade.ts';
import { addHeads } from './commands/heads.ts';
import { addHistory } from './commands/history.ts';
import { addLocks } from './commands/locks.ts';
import { addLogs } from './commands/logs.ts';
import { addMerge } from './commands/merge.ts';
import { addMigrate } from './commands/migrate.ts';
import { addPlan } from './commands/plan.ts';
import { addRebase } from './commands/rebase.ts';
import { addReset } from './commands/reset.ts';
import { addRevision } from './commands/revision.ts';
import { addShow } from './commands/show.ts';
import { addSql } from './commands/sql.ts';
import { addStamp } from './commands/stamp.ts';
import { addStatus } from './commands/status.ts';
import { addUp } from './commands/up.ts';
import { addWait } from './commands/wait.ts';

/** What each command adds itself with, in the order of the help. */
const commands = {
  up: addUp,
  migrate: addMigrate,
  downgrade: addDowngrade,
  stamp: addStamp,
  baseline: addBaseline,
  accept: addAccept,
  plan: addPlan,
  check: addCheck,
  current: addCurrent,
  history: addHistory,
  heads: addHeads,
  branches: addBranches,
  show: addShow,
  status: addStatus,
  sql: addSql,
  revision: addRevision,
  merge: addMerge,
  rebase: addRebase,
  reset: addReset,
  locks: addLocks,
  wait: addWait,
  logs: addLogs,
  down: addDown,
} as const;

/**
 * The command line. Each action sets the exit code through the edge.
 * @param typed the first argument: where it is a command's name, the others are left out, which take commander 2 ms
 */
function buildProgram(edge: Edge, typed: string | undefined): Command {
  const program = new Command('orch')
    .description("Brings every service's PostgreSQL database to its head, then starts the services.")
    .version(edge.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .configureOutput({
      writeOut: (text) => void edge.stdout.write(text),
      // It repeats what was typed, and a script may have typed it.
      writeErr: (text) => void edge.stderr.write(visibleText(text, 'keep')),
      getOutHelpWidth: () => edge.stdout.columns ?? 100,
      getErrHelpWidth: () => edge.stderr.columns ?? 100,
    })
    .showHelpAfterError('(run `orch help` or `orch help <command>`)')
    .addHelpText('after', EXIT_CODES)
    .exitOverride();
  for (const add of findCommands(typed))
    addCommonOptions(add(program, edge)).exitOverride().copyInheritedSettings(program);
  addHelp(program);
  return program;
}

function findCommands(typed: string | undefined): readonly ((program: Command, edge: Edge) => Command)[] {
  return typed !== undefined && Object.hasOwn(commands, typed)
    ? [commands[typed as keyof typeof commands]]
    : Object.values(commands);
}

/** Ours, because commander's own prints the whole help for an unknown name, and says nothing of the name. */
function addHelp(program: Command): void {
  program
    .command('help [command]')
    .description('print the help of a command')
    .action((name: string | undefined) => {
      if (name === undefined) program.help();
      const found = program.commands.find((command) => command.name() === name || command.aliases().includes(name));
      if (found !== undefined) found.help();
      const nearest = findNearest(
        name ?? '',
        program.commands.map((command) => command.name()),
      );
      const hint = nearest === undefined ? '' : `\n(Did you mean ${nearest}?)`;
      program.error(`error: unknown command '${name ?? ''}'${hint}`);
    })
    .exitOverride()
    .copyInheritedSettings(program);
}

function addCommonOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'the config file (default: orchestrator.config.yaml, here or in a parent folder)')
    .addOption(
      new Option(
        '--runtime <kind>',
        'where services and databases live (default: compose where a Docker engine answers)',
      )
        .choices(['compose', 'local'])
        .env('ORCH_RUNTIME'),
    )
    .addOption(
      new Option('-o, --output <format>', 'how to report (default: tree on a terminal, plain elsewhere)').choices([
        'tree',
        'plain',
        'json',
      ]),
    )
    .option('-q, --quiet', 'report failures only')
    .option('-v, --verbose', 'show the notices of the server')
    .option('--show-data', 'show the DETAIL of server messages, which holds row values');
}

/**
 * Parses the arguments and runs the command.
 * @param argv without node and the script
 */
export async function runProgram(edge: Edge, argv: readonly string[]): Promise<void> {
  const program = buildProgram(edge, argv[0]);
  if (argv.length === 0) {
    program.outputHelp();
    edge.setExitCode(0);
    return;
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // commander has printed the help, the version or the fault; its own code for a fault is 1, ours is 2.
    edge.setExitCode(error.exitCode === 0 ? 0 : 2);
  }
}

const EXIT_CODES = `
Exit codes:
  0   done, or nothing to do
  1   a bug in orch
  2   usage, config or revision files at fault; not approved
  3   findings: something is pending (status), or files and databases disagree (check); a session goes on (locks)
  4   another orch holds the lock
  5   a revision failed and was rolled back
  6   partial: a revision outside a transaction stopped half way, or several services failed for different reasons
  7   the history of files and ledger conflict
  8   a database is unreachable
  9   the outcome of a commit is unknown
  11  a service did not become healthy
  12  no Docker engine
  130 interrupted (Ctrl-C), 143 terminated`;
