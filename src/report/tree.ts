import { openTreeView, type TreeView } from './listr-view.ts';
import { PlainLines, writeEnd } from './plain.ts';
import type { Reporter } from './reporter.ts';
import type { ReportSettings } from './settings.ts';
import { createStyle } from './style.ts';
import { Told } from './told.ts';
import { formatParts, type TreeLine } from './tree-line.ts';
import { TreeModel } from './tree-model.ts';

/** Rows of the terminal where it doesn't say. */
const usualRows = 24;

/** A live tree on a terminal: a line for each server and service, below it its revisions; then the summary. */
export function createTreeReporter(settings: ReportSettings): Reporter {
  const told = new Told(settings);
  const painter = new TreePainter(settings, told);
  const answersStyle = createStyle(settings.answersColor);
  const later = new PlainLines(told, settings);
  let closed = false;
  return {
    on: (event) => {
      told.on(event);
      if (closed) later.on(event);
      else painter.on(event);
    },
    pause: () => painter.rest(),
    close: async (outcome) => {
      if (!closed) await painter.rest();
      closed = true;
      writeEnd(settings, told, outcome, answersStyle);
    },
    fail: async (failure) => {
      await painter.rest();
      settings.progress.write(told.untoldFailure(failure));
    },
  };
}

/** Paints from the first thing worth painting until it is put to rest, and again after that. */
class TreePainter {
  readonly #settings: ReportSettings;
  readonly #told: Told;
  #model: TreeModel;
  #view: Promise<TreeView> | undefined;

  constructor(settings: ReportSettings, told: Told) {
    this.#settings = settings;
    this.#told = told;
    this.#model = new TreeModel(told.context);
  }

  on(event: Parameters<Reporter['on']>[0]): void {
    this.#model.on(event, this.#settings.now());
    if (this.#model.hasRows && this.#view === undefined) this.#open();
  }

  /** Leaves standing what is painted; what comes then is painted below it. */
  async rest(): Promise<void> {
    const { progress, color } = this.#settings;
    const view = this.#view;
    if (view === undefined) {
      const style = createStyle(color);
      for (const note of this.#model.notes)
        progress.write(`${formatParts(note.parts, style, Number.POSITIVE_INFINITY)}\n`);
    } else {
      await (await view).end();
    }
    this.#view = undefined;
    this.#model = new TreeModel(this.#told.context);
  }

  #open(): void {
    const { progress, color, now } = this.#settings;
    const model = this.#model;
    this.#view = openTreeView(progress, createStyle(color), (final) =>
      final ? model.lines(now(), Number.MAX_SAFE_INTEGER).map(settled) : model.lines(now(), this.#room()),
    );
    // A fault of the painting is thrown where it is awaited, by `rest`; `on` never throws.
    this.#view.catch(() => undefined);
  }

  /** Ended steps of each service that fit on the terminal beside the lines that have to be seen. */
  #room(): number {
    const rows = this.#settings.progress.rows ?? usualRows;
    const services = Math.max(1, this.#model.services);
    return Math.max(1, Math.floor((rows - 4) / services) - 3);
  }
}

/** A line for the last painting: what goes on then was broken off. */
function settled(line: TreeLine): TreeLine {
  const state = line.state === 'running' || line.state === 'waiting' ? 'skipped' : line.state;
  return { ...line, state, children: line.children.map(settled) };
}
