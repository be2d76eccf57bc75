import type { Event, RuntimeNote } from '../core/event.ts';
import { isFailure, type Probe } from '../core/failure.ts';
import { phraseFailure } from './failure-phrases.ts';
import { phraseBlocker, phraseHolder } from './holder-phrase.ts';
import type { PhraseContext } from './phrase-context.ts';
import { shellWord, shownPlace } from './phrase-context.ts';
import { phraseStep } from './step-phrases.ts';
import { formatCount, formatDuration } from './units.ts';

type EventType = Event['type'];
type EventOf<T extends EventType> = Extract<Event, { type: T }>;

/** An event as the parts of one line; plain output puts two spaces between them. */
export type EventPhrase = readonly string[];

type EventPhrases = { readonly [T in EventType]: (event: EventOf<T>, context: PhraseContext) => EventPhrase };

const phrases: EventPhrases = {
  'run-started': (event) => [
    `orch ${event.command}`,
    event.project,
    ...(event.runtime === undefined ? [] : [event.runtime]),
    `version ${event.version}`,
  ],
  'runtime-noted': (event) => [`runtime ${event.runtime}`, noteWords[event.note](event.detail ?? '')],
  'server-started': (event) => [event.server, event.how, formatDuration(event.duration)],
  'probe-awaited': (event) => [event.server, phraseProbe(event), formatDuration(event.waited)],
  'server-ready': (event) => [event.server, 'ready', formatDuration(event.waited)],
  'plan-made': (event) => {
    const services = new Set(event.plan.steps.map((step) => step.subject.service)).size;
    const steps = event.plan.steps.length;
    const refused = event.plan.refusals.length;
    const left = refused === 0 ? [] : [`${formatCount(refused, 'service')} left alone`];
    if (steps > 0) return ['plan', `${formatCount(steps, 'step')} for ${formatCount(services, 'service')}`, ...left];
    return ['plan', refused === 0 ? 'nothing to do' : 'no step', ...left];
  },
  'lock-awaited': (event) => [
    event.subject.service,
    `waiting for the lock on ${event.subject.database}`,
    formatDuration(event.waited),
    phraseLockHolder(event),
  ],
  'revision-blocked': (event) => [
    event.step.subject.service,
    phraseStep(event.step).what,
    phraseBlocked(event),
    ...(event.blockers.length === 0 ? ['who is in the way could not be seen'] : event.blockers.map(phraseBlocker)),
  ],
  'step-started': (event) => {
    const phrase = phraseStep(event.step);
    return [event.step.subject.service, phrase.what, phrase.doing];
  },
  'step-progressed': (event) => [event.step.subject.service, phraseStep(event.step).what, phraseProgress(event)],
  'step-finished': (event) => {
    const phrase = phraseStep(event.step);
    const note = event.note === undefined || phrase.done.includes(event.note) ? [] : [event.note];
    return [event.step.subject.service, phrase.what, phrase.done, formatDuration(event.duration), ...note];
  },
  'step-failed': (event, context) => {
    const { failure, step } = event;
    const place = failure.at === undefined ? [] : [shownPlace(failure.at, context.cwd)];
    const duration = formatDuration(event.duration);
    return [
      step.subject.service,
      phraseStep(step).what,
      'failed',
      duration,
      ...place,
      phraseFailureShort(failure, context),
    ];
  },
  'step-skipped': (event) => [event.step.subject.service, phraseStep(event.step).todo, skipWords[event.because]],
  'notice-received': (event) => [event.subject.service, `${event.severity.toLowerCase()}: ${event.message}`],
  'service-exited': (event) => [event.service, 'service', phraseExit(event), `orch logs ${shellWord(event.service)}`],
  'stop-requested': (event) => [`stopping (${signalWords[event.signal]})`, stopWords[event.during]],
};

const noteWords: { readonly [N in RuntimeNote]: (detail: string) => string } = {
  chosen: (detail) => `chosen: ${detail}`,
  limits: () => 'PGlite: one session a database, taking turns, no cancelling; it ends with this orch',
  trouble: (detail) => `trouble: ${detail}`,
  'already-held': (detail) => `held by another orch (${detail}): databases and services end with that one`,
};

const skipWords: { readonly [B in EventOf<'step-skipped'>['because']]: string } = {
  'earlier-failure': 'not done: an earlier step failed',
  'fail-fast': 'not done: another service failed (--fail-fast)',
  interrupted: 'not done: interrupted',
};

const signalWords: { readonly [S in EventOf<'stop-requested'>['signal']]: string } = {
  SIGINT: 'Ctrl-C',
  SIGTERM: 'SIGTERM',
};

const stopWords: { readonly [D in EventOf<'stop-requested'>['during']]: string } = {
  work: 'what is open is cancelled, rolled back and unlocked',
  foreground: 'services first, then their databases; the data is kept',
};

const probeWords: { readonly [P in Probe]: string } = {
  resolve: 'host name does not resolve',
  tcp: 'no TCP connection',
  login: 'login refused',
  startup: 'still starting up',
  primary: 'not a primary',
  writable: 'not writable',
};

/** The words of an event, as parts of one line. */
export function phraseEvent(event: Event, context: PhraseContext): EventPhrase {
  // The table has an entry of the event's own type: the compiler can't carry that through the index.
  return (phrases[event.type] as (e: Event, c: PhraseContext) => EventPhrase)(event, context);
}

/** `waiting: login refused (28P01)`. */
export function phraseProbe(event: EventOf<'probe-awaited'>): string {
  return `waiting: ${probeWords[event.probe]}${event.reason === '' ? '' : ` (${event.reason})`}`;
}

/** `held by pid 4711 (…)`. */
export function phraseLockHolder(event: EventOf<'lock-awaited'>): string {
  return event.holder === undefined ? 'its holder is not known' : `held by ${phraseHolder(event.holder)}`;
}

/** `waiting for a lock, 2 s`, or `could not have its lock (55P03), rolled back; try 2 in 300 ms`. */
export function phraseBlocked({ retry, waited }: EventOf<'revision-blocked'>): string {
  if (retry === undefined) return `waiting for a lock, ${formatDuration(waited)}`;
  const why = retry.sqlstate === '40P01' ? 'met a deadlock (40P01)' : `could not have its lock (${retry.sqlstate})`;
  return `${why}, rolled back; try ${retry.tries + 1} in ${formatDuration(retry.pause)}`;
}

/** `1000 of 5000 rows`, with per cent where the total is known. */
export function phraseProgress(event: EventOf<'step-progressed'>): string {
  if (event.total === undefined || event.total <= 0) return `${event.done} ${event.unit}`;
  return `${event.done} of ${event.total} ${event.unit} (${Math.floor((100 * event.done) / event.total)} %)`;
}

/** Why a step is not done, in words. */
export function phraseSkip(because: EventOf<'step-skipped'>['because']): string {
  return skipWords[because];
}

function phraseExit(event: EventOf<'service-exited'>): string {
  if (event.signal !== undefined) return `ended by ${event.signal}`;
  return event.exitCode === undefined ? 'ended' : `ended with exit code ${event.exitCode}`;
}

/** What happened, in one line, without the service's name in front: for a line that names it already. */
export function phraseFailureShort(failure: EventOf<'step-failed'>['failure'], context: PhraseContext): string {
  if (isFailure(failure, 'sql-failed')) return `${failure.details.sqlstate} ${firstLine(failure.details.message)}`;
  if (isFailure(failure, 'revision-code-failed')) return firstLine(failure.details.message);
  const headline = phraseFailure(failure, context).happened[0] ?? failure.code;
  const name = 'service' in failure.details ? `${failure.details.service}: ` : '';
  return name !== '' && headline.startsWith(name) ? headline.slice(name.length) : headline;
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}
