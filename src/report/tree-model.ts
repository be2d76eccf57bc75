import type { Event } from '../core/event.ts';
import type { Subject } from '../core/plan.ts';
import { phraseEvent, phraseProbe } from './event-phrases.ts';
import type { PhraseContext } from './phrase-context.ts';
import { isWarning } from './plain.ts';
import type { TreeLine, TreePart, TreeState } from './tree-line.ts';
import { TreeService } from './tree-service.ts';
import { formatDuration } from './units.ts';

interface ServerRow {
  state: TreeState;
  words: string;
  spent: number;
}

/** What the tree shows, as data: events in, lines out. */
export class TreeModel {
  readonly #context: PhraseContext;
  readonly #notes: TreeLine[] = [];
  readonly #servers = new Map<string, ServerRow>();
  readonly #services = new Map<string, TreeService>();
  readonly #ends: TreeLine[] = [];

  constructor(context: PhraseContext) {
    this.#context = context;
  }

  /** True: there is more to show than notes. A run with nothing to do has nothing to paint. */
  get hasRows(): boolean {
    return this.#servers.size + this.#services.size + this.#ends.length > 0;
  }

  get notes(): readonly TreeLine[] {
    return this.#notes;
  }

  on(event: Event, now: number): void {
    switch (event.type) {
      case 'run-started':
        return;
      case 'runtime-noted':
        if (event.note !== 'chosen') this.#notes.push(this.#note(event));
        return;
      case 'plan-made':
        this.#plan(event, now);
        return;
      case 'lock-awaited':
        this.#service(event.subject).awaitLock(event);
        return;
      case 'revision-blocked':
        this.#service(event.step.subject).block(event);
        return;
      case 'notice-received':
        this.#notice(event);
        return;
      case 'server-started':
      case 'probe-awaited':
      case 'server-ready':
        this.#server(event);
        return;
      case 'service-exited':
      case 'stop-requested':
        this.#ends.push(this.#note(event));
        return;
      case 'step-started':
      case 'step-progressed':
      case 'step-finished':
      case 'step-failed':
      case 'step-skipped':
        this.#service(event.step.subject).on(event, now);
        return;
    }
  }

  /** @param room how many ended steps of each service to show at most while it runs */
  lines(now: number, room: number): TreeLine[] {
    const servers = [...this.#servers].map(([name, row]) => this.#serverLine(name, row));
    const services = [...this.#services.values()].map((service) => service.line(now, room));
    return [...this.#notes, ...servers, ...services, ...this.#ends];
  }

  get services(): number {
    return this.#services.size;
  }

  #service(subject: Subject): TreeService {
    const found = this.#services.get(subject.service);
    if (found !== undefined) return found;
    const service = new TreeService(subject, this.#context);
    this.#services.set(subject.service, service);
    return service;
  }

  #plan({ plan }: Extract<Event, { type: 'plan-made' }>, now: number): void {
    for (const step of plan.steps) this.#service(step.subject);
    for (const [name, service] of this.#services) {
      service.plan(
        plan.steps.filter((step) => step.subject.service === name),
        now,
      );
    }
    for (const { subject, failure, needs } of plan.refusals) this.#service(subject).refuse(failure, needs);
  }

  /** Warnings stay to be read; notices pass by under the step that they belong to. */
  #notice(event: Extract<Event, { type: 'notice-received' }>): void {
    if (isWarning(event.severity)) this.#ends.push(this.#note(event));
    else this.#service(event.subject).notice(event.severity, event.message);
  }

  #server(event: Extract<Event, { readonly server: string }>): void {
    const known = this.#servers.get(event.server);
    if (event.type === 'server-started') {
      // A server that ran already is no news.
      if (event.how !== 'running')
        this.#servers.set(event.server, { state: 'running', words: event.how, spent: event.duration });
    } else if (event.type === 'probe-awaited') {
      this.#servers.set(event.server, { state: 'running', words: phraseProbe(event), spent: event.waited });
    } else if (known !== undefined) {
      this.#servers.set(event.server, { state: 'done', words: 'ready', spent: event.waited });
    }
  }

  #serverLine(name: string, row: ServerRow): TreeLine {
    const parts: TreePart[] = [
      { text: this.#context.clean(name), tone: 'bold' },
      { text: this.#context.clean(row.words), tone: row.state === 'running' ? 'yellow' : 'plain' },
      { text: formatDuration(row.spent), tone: 'dim' },
    ];
    return { key: `server ${name}`, state: row.state, parts, children: [] };
  }

  #note(event: Event): TreeLine {
    const text = phraseEvent(event, this.#context).join('  ');
    const key = `note ${this.#notes.length} ${this.#ends.length}`;
    const tone = event.type === 'runtime-noted' && event.note !== 'trouble' ? 'dim' : 'yellow';
    return { key, state: 'note', parts: [{ text: this.#context.clean(text), tone }], children: [] };
  }
}
