import { refuseCopy } from './refuse-copy.ts';
import type { SessionSettings } from './session-settings.ts';
import { captureSettings, parseSettings, putSettings, resetSettings } from './session-settings.ts';
import type { Unit } from './session-unit.ts';
import {
  backendFrames,
  closeStatement,
  endsReady,
  errorResponse,
  findError,
  query,
  rowValues,
  sync,
} from './wire-frames.ts';

/** The one PostgreSQL session that all connections share. Runs to the end before it returns. */
export interface SharedSession {
  /** Sends messages and gives what the server answered. Throws when the server is gone. */
  run(bytes: Buffer): Buffer;
  inTransaction(): boolean;
  /** What the server tells a client that has logged in, from AuthenticationOk to before BackendKeyData. */
  greeting(): Buffer;
}

/** One connection as the queue sees it. */
export interface Member {
  /** The settings that its next unit runs under. */
  settings: SessionSettings;
  /** Sends to the client; false: it reads too slowly, the queue is told with `resume` when it caught up. */
  send(bytes: Buffer): boolean;
  /** Ends the connection once what was sent is out. */
  end(): void;
  /** Names of its prepared statements in the session. */
  statements(): readonly string[];
}

/** What waits for its turn: messages of the client, its login, or the clearing up after it left. */
type Turn =
  | { readonly kind: 'unit'; readonly unit: Unit; readonly done: () => void }
  | { readonly kind: 'login'; readonly done: () => void }
  | { readonly kind: 'leave' };

interface Line {
  readonly turns: Turn[];
  slow: boolean;
  leaving: boolean;
}

/**
 * Gives the shared session to one connection after another, unit by unit, first come first served. A connection with an
 * open transaction or an open extended-protocol sequence keeps it until that ends, by its own doing or because it left.
 */
export class SessionQueue {
  readonly #session: SharedSession;
  readonly #idleLimit: number;
  readonly #lines = new Map<Member, Line>();
  /** Connections with turns, in the order in which they are served. */
  #waiting: Member[] = [];
  #owner: Member | undefined;
  #ownerIdle: { timer: NodeJS.Timeout; expired: boolean } | undefined;
  /** Whose settings the session has; undefined: nobody's, or not known. */
  #settled: { member: Member; key: string; dirty: boolean } | undefined;
  #scheduled = false;
  #unitsRun = 0;

  /** @param idleLimit ms that a connection may leave a transaction open without sending, while others wait */
  constructor(session: SharedSession, idleLimit: number) {
    this.#session = session;
    this.#idleLimit = idleLimit;
  }

  /** Units run so far, by all connections. */
  get unitsRun(): number {
    return this.#unitsRun;
  }

  /** Adds a connection; its login is its first turn, `done` is called once it was answered. */
  join(member: Member, done: () => void): void {
    this.#lines.set(member, { turns: [], slow: false, leaving: false });
    this.#push(member, { kind: 'login', done });
  }

  /** @param done called when the unit has run */
  add(member: Member, unit: Unit, done: () => void): void {
    this.#push(member, { kind: 'unit', unit, done });
  }

  /** The connection ended: what it sent before still runs, then its open transaction is rolled back. */
  leave(member: Member): void {
    const line = this.#lines.get(member);
    if (line === undefined || line.leaving) return;
    this.#push(member, { kind: 'leave' });
    line.leaving = true;
    line.slow = false;
  }

  /** The client read what was sent. */
  resume(member: Member): void {
    const line = this.#lines.get(member);
    if (line === undefined) return;
    line.slow = false;
    this.#schedule();
  }

  #push(member: Member, turn: Turn): void {
    const line = this.#lines.get(member);
    if (line === undefined || line.leaving) return;
    line.turns.push(turn);
    if (line.turns.length === 1) this.#waiting.push(member);
    if (member === this.#owner) this.#stopIdle();
    this.#endExpiredOwner();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#next() === undefined) return;
    this.#scheduled = true;
    // One unit per round of the event loop, so that sockets are served in between.
    setImmediate(() => {
      this.#scheduled = false;
      this.#serve();
      this.#schedule();
    });
  }

  #next(): Member | undefined {
    const ready = (member: Member): boolean => this.#lines.get(member)?.slow === false;
    if (this.#owner !== undefined)
      return this.#waiting.includes(this.#owner) && ready(this.#owner) ? this.#owner : undefined;
    return this.#waiting.find(ready);
  }

  #serve(): void {
    const member = this.#next();
    const line = member === undefined ? undefined : this.#lines.get(member);
    const turn = line?.turns.shift();
    if (member === undefined || line === undefined || turn === undefined) return;
    this.#waiting = this.#waiting.filter((other) => other !== member);
    if (line.turns.length > 0) this.#waiting.push(member);
    if (turn.kind === 'leave') {
      this.#clear(member);
      return;
    }
    if (turn.kind === 'login') this.#login(member);
    else this.#serveUnit(member, line, turn.unit);
    turn.done();
  }

  #login(member: Member): void {
    const refusal = this.#settle(member);
    if (refusal === undefined) {
      member.send(this.#session.greeting());
      return;
    }
    const missing = refusal.get('C') === '22023' && (refusal.get('M') ?? '').startsWith('role');
    member.send(
      errorResponse('FATAL', missing ? '28000' : (refusal.get('C') ?? 'XX000'), refusal.get('M') ?? 'login failed'),
    );
    member.end();
  }

  #serveUnit(member: Member, line: Line, unit: Unit): void {
    const refusal = this.#owner === undefined ? this.#settle(member) : undefined;
    if (refusal !== undefined) {
      // A role that was dropped meanwhile: PostgreSQL too would not go on for long.
      member.send(errorResponse('FATAL', refusal.get('C') ?? 'XX000', refusal.get('M') ?? 'session lost'));
      member.end();
      return;
    }
    const answer = this.#run(unit);
    const open = unit.ends === 'flush' || this.#session.inTransaction();
    this.#owner = open ? member : undefined;
    this.#stopIdle();
    if (open && line.turns.length === 0) this.#startIdle(member);
    if (!member.send(answer) && !line.leaving) line.slow = true;
  }

  #run(unit: Unit): Buffer {
    const answer = this.#session.run(unit.bytes);
    if (unit.ends === 'ready' && !endsReady(answer)) throw new Error('PostgreSQL broke off within a statement');
    this.#unitsRun += 1;
    if (unit.changesSettings && this.#settled !== undefined) this.#settled.dirty = true;
    return unit.copiesIn ? refuseCopy(answer) : answer;
  }

  /** Makes the session's settings the member's; gives the server's error fields where that fails. */
  #settle(member: Member): ReadonlyMap<string, string> | undefined {
    const last = this.#settled;
    if (last?.member === member) return undefined;
    if (last?.dirty === true) this.#capture(last.member);
    const key = JSON.stringify(member.settings);
    if (last?.dirty === false && last.key === key) {
      this.#settled = { member, key, dirty: false };
      return undefined;
    }
    this.#settled = undefined;
    this.#session.run(query(resetSettings));
    const sql = putSettings(member.settings);
    const failure = sql === '' ? undefined : findError(this.#session.run(query(sql)));
    if (failure === undefined) this.#settled = { member, key, dirty: false };
    return failure;
  }

  #capture(member: Member): void {
    for (const frame of backendFrames(this.#session.run(query(captureSettings)))) {
      if (frame.type === 'D') member.settings = parseSettings(rowValues(frame.bytes));
    }
  }

  /** Ends the transaction and the statements of a connection that is gone. */
  #clear(member: Member): void {
    this.#lines.delete(member);
    if (this.#owner === member) {
      this.#stopIdle();
      this.#session.run(Buffer.concat([sync, query('ROLLBACK')]));
      this.#owner = undefined;
    }
    const names = member.statements();
    if (names.length > 0) this.#session.run(Buffer.concat([...names.map(closeStatement), sync]));
    if (this.#settled?.member === member && this.#settled.dirty) this.#settled = undefined;
  }

  #startIdle(member: Member): void {
    const timer = setTimeout(() => {
      if (this.#ownerIdle !== undefined && this.#owner === member) this.#ownerIdle.expired = true;
      this.#endExpiredOwner();
    }, this.#idleLimit);
    timer.unref();
    this.#ownerIdle = { timer, expired: false };
  }

  #stopIdle(): void {
    clearTimeout(this.#ownerIdle?.timer);
    this.#ownerIdle = undefined;
  }

  /** Nobody is hurt by an idle transaction until another connection waits for the session. */
  #endExpiredOwner(): void {
    const owner = this.#owner;
    if (owner === undefined || this.#ownerIdle?.expired !== true || this.#waiting.length === 0) return;
    this.#stopIdle();
    owner.send(errorResponse('FATAL', '25P03', 'terminating connection due to idle-in-transaction timeout', idleHint));
    owner.end();
    this.leave(owner);
  }
}

const idleHint = 'In the local runtime all connections share one session, so an open transaction holds up all others.';
