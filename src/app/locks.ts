import { Failure } from '../core/failure.ts';
import type { DatabaseSession } from '../core/observed.ts';
import type { Service } from '../core/project.ts';
import { asFailure } from '../engine/database-failure.ts';
import { TargetSession } from '../engine/target-session.ts';
import { DatabaseError, type Location, type Session } from '../ports/database.ts';
import type { Run } from '../ports/run.ts';
import type { EndAction } from '../ports/sessions.ts';
import { selectServices } from './select-services.ts';
import { startServers } from './servers.ts';

/** A statement or transaction that goes on for so long is listed whoever runs it, in ms. */
const LONG = 5_000;
/** How long what was ended may take to be gone, and the pause between two looks, in ms. */
const PATIENCE = 5_000;
const PAUSE = 50;

/** What concerns orch's locks in one database. */
export interface DatabaseLocks {
  /** Undefined: a maintenance database, where roles and databases are prepared. */
  readonly service: string | undefined;
  readonly server: string;
  readonly database: string;
  /** True: PGlite, whose one session all connections share. */
  readonly shared: boolean;
  readonly sessions: readonly DatabaseSession[];
  readonly failure: Failure | undefined;
}

/** What became of a session that was to be ended. */
export interface EndedSession {
  readonly action: EndAction;
  readonly service: string | undefined;
  readonly database: string;
  readonly session: DatabaseSession;
  /** `nothing-ran`: there was no statement to cancel; `asked`: the server was asked, and it goes on so far. */
  readonly result: 'ended' | 'nothing-ran' | 'asked';
}

/** A database to look into. */
interface Place {
  readonly service: Service;
  readonly location: Location;
  /** False: the maintenance database of the service's server. */
  readonly isOwn: boolean;
}

/**
 * Who holds orch's locks, who waits for them, who holds whom up, and what runs for long. Changes nothing.
 * @throws Failure `service-unknown`; what befalls a single database stands in its place
 */
export async function findLocks(run: Run, names: readonly string[]): Promise<readonly DatabaseLocks[]> {
  const places = await findPlaces(run, names);
  return await Promise.all(places.map((place) => lookInto(run, place)));
}

/**
 * Has a session's statement cancelled, or the session ended, and waits until that shows.
 * @param request.approve shows what will be done; false: it is not
 * @throws Failure `session-not-found`, `session-not-approved`
 */
export async function endSession(
  run: Run,
  request: {
    readonly services: readonly string[];
    readonly pid: number;
    readonly action: EndAction;
    readonly approve: (session: DatabaseSession, database: string) => Promise<boolean>;
  },
): Promise<EndedSession> {
  const { pid, action } = request;
  const places = await findPlaces(run, request.services);
  for (const place of places) {
    const ended = await inDatabase(run, place, async (session) => {
      const found = (await list(run, session, place)).find((one) => one.pid === pid);
      if (found === undefined || !mayEnd(place, found)) return undefined;
      if (!(await request.approve(found, place.location.database))) {
        throw new Failure('session-not-approved', { pid, action });
      }
      return { ...(await endFound(run, session, place, found, action)) };
    });
    if (ended !== undefined) return ended;
  }
  const databases = places.map(({ location }) => location.database);
  throw new Failure('session-not-found', { pid, databases: [...new Set(databases)] });
}

/** In a maintenance database only what is orch's own concerns anybody here. */
function mayEnd({ isOwn }: Place, found: DatabaseSession): boolean {
  return isOwn || found.holds.length > 0 || found.awaits !== undefined;
}

async function endFound(
  run: Run,
  session: Session,
  place: Place,
  found: DatabaseSession,
  action: EndAction,
): Promise<EndedSession> {
  const about = { action, database: place.location.database, session: found } as const;
  const service = place.isOwn ? place.service.name : undefined;
  if (action === 'cancel' && found.state?.startsWith('idle') === true)
    return { ...about, service, result: 'nothing-ran' };
  const { clock, sessions } = run.ports;
  const isThere = await sessions.end(session, found, action);
  const began = clock.now();
  while (isThere && (await goesOn(run, session, place, found, action))) {
    if (clock.now() - began >= PATIENCE) return { ...about, service, result: 'asked' };
    await clock.sleep(PAUSE, run.signal);
  }
  return { ...about, service, result: 'ended' };
}

async function goesOn(
  run: Run,
  session: Session,
  place: Place,
  found: DatabaseSession,
  action: EndAction,
): Promise<boolean> {
  const now = (await list(run, session, place)).find(({ pid, since }) => pid === found.pid && since === found.since);
  return now !== undefined && (action === 'terminate' || (now.began === found.began && now.state === found.state));
}

async function findPlaces(run: Run, names: readonly string[]): Promise<readonly Place[]> {
  const services = selectServices(run.project, names);
  if (run.ports.runtime?.kind === 'local') await startServers(run, services);
  const { targets } = run.ports;
  const own = services.map((service): Place => {
    const location = targets.admin(service, service.database) ?? targets.owner(service);
    return { service, location, isOwn: true };
  });
  const servers = new Map<string, Place>();
  for (const service of services) {
    const location = targets.admin(service);
    if (location === undefined || location.sessions === 'one') continue;
    servers.set(`${location.host}:${location.port}/${location.database}`, { service, location, isOwn: false });
  }
  return [...own, ...servers.values()];
}

async function lookInto(run: Run, place: Place): Promise<DatabaseLocks> {
  const { service, location, isOwn } = place;
  const about = {
    service: isOwn ? service.name : undefined,
    server: service.server.name,
    database: location.database,
    shared: location.sessions === 'one',
  };
  try {
    const all = await inDatabase(run, place, (session) => list(run, session, place));
    return { ...about, sessions: concerning(all ?? [], isOwn), failure: undefined };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { ...about, sessions: [], failure: error };
  }
}

/** @returns undefined where there is no such database, or only PGlite's one session */
async function inDatabase<T>(
  run: Run,
  { service, location }: Place,
  work: (session: Session) => Promise<T>,
): Promise<T | undefined> {
  if (location.sessions === 'one') return undefined;
  let session: Session | undefined;
  try {
    session = await run.ports.database.connect(location, 'observe', run.signal);
    return await work(session);
  } catch (error) {
    run.signal.throwIfAborted();
    // No such database, or one that was never opened: nobody is in it.
    if (error instanceof DatabaseError && (error.sqlstate === '3D000' || error.sqlstate === '55000')) return undefined;
    throw asFailure(error, new TargetSession(run, service), 'looking at its sessions');
  } finally {
    await session?.close();
  }
}

/** With the holders of the lock that it polls for among those who stand in a session's way. */
async function list(run: Run, session: Session, { service, isOwn }: Place): Promise<readonly DatabaseSession[]> {
  const all = await run.ports.sessions.list(session, isOwn ? service : undefined);
  return all
    .filter(({ application }) => !application.endsWith(run.writer.run))
    .map((one) => {
      const { awaits } = one;
      if (awaits === undefined) return one;
      const holders = all.filter(({ holds }) => holds.includes(awaits)).map(({ pid }) => pid);
      return { ...one, blockedBy: [...new Set([...one.blockedBy, ...holders])] };
    });
}

function concerning(all: readonly DatabaseSession[], isOwn: boolean): readonly DatabaseSession[] {
  const blockers = new Set(all.flatMap(({ blockedBy }) => blockedBy));
  const isLong = ({ state, duration }: DatabaseSession): boolean =>
    state !== undefined && state !== 'idle' && duration !== undefined && duration >= LONG;
  return all.filter((one) => {
    if (one.holds.length > 0 || one.awaits !== undefined) return true;
    if (!isOwn) return false;
    return one.blockedBy.length > 0 || blockers.has(one.pid) || one.application.startsWith('orch ') || isLong(one);
  });
}
