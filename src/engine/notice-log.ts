import type { Subject } from '../core/plan.ts';
import type { Notice, Session } from '../ports/database.ts';
import type { Run } from '../ports/run.ts';

/** A revision that says something about each row must not fill the log. */
const MOST = 200;

/** What the server says while a text runs: told at once, and kept for the log. */
export class NoticeLog {
  readonly #run: Run;
  readonly #subject: Subject;
  readonly #kept: Notice[] = [];
  #dropped = 0;
  /** Hears no more. */
  readonly stop: () => void;

  constructor(run: Run, subject: Subject, session: Session) {
    this.#run = run;
    this.#subject = subject;
    this.stop = session.onNotice((notice) => this.add(notice));
  }

  /** Takes in what the revision's own code has to say. */
  add(notice: Notice): void {
    this.#run.ports.emit({ type: 'notice-received', subject: this.#subject, ...notice });
    if (this.#kept.length < MOST) this.#kept.push(notice);
    else this.#dropped += 1;
  }

  /** The first ones, and a line that counts the others. */
  get kept(): readonly Notice[] {
    if (this.#dropped === 0) return this.#kept;
    return [...this.#kept, { severity: 'LOG', message: `${this.#dropped} more are not kept` }];
  }
}
