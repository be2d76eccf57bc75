import type { DefaultRenderer, Listr } from 'listr2';
import type { Style } from './style.ts';
import { formatParts, type TreeLine, type TreeState } from './tree-line.ts';
import type { Writer } from './writer.ts';

type Tasks = ConstructorParameters<typeof DefaultRenderer>[0];
type Task = Tasks[number];

/** A live painting of lines on a terminal. */
export interface TreeView {
  /** Paints the lines a last time, in full, and leaves them standing. */
  end(): Promise<void>;
}

const icons: { readonly [S in Exclude<TreeState, 'running'>]: readonly [string, keyof Style] } = {
  waiting: ['◌', 'dim'],
  done: ['✔', 'green'],
  failed: ['✖', 'red'],
  skipped: ['↓', 'yellow'],
  note: ['•', 'dim'],
};

/** Columns of the terminal where it doesn't say. */
const usualColumns = 80;

/**
 * Starts painting with listr2's renderer. Listr's own way is to run the tasks itself; here the engine runs them, so each
 * line is a task whose state is set from outside, ten times a second: painting is sampled, not driven, and a thousand
 * events in a second cost no more than one.
 * @param lines gives the lines as they are now; `final`: all of them, for the last painting
 */
export async function openTreeView(
  writer: Writer,
  style: Style,
  lines: (final: boolean) => readonly TreeLine[],
): Promise<TreeView> {
  // Only here: commands that paint no tree don't load it.
  const listr2 = await import('listr2');
  const listr = new listr2.Listr<object>([], { exitOnError: false, registerSignalListeners: false });
  const shown: Tasks = [];
  const board = new TaskBoard(listr, shown, listr2.ListrTaskState, style, () => writer.columns ?? usualColumns);
  const renderer = createRenderer(listr2, { writer, style, board, shown, onTick: () => board.show(lines(false)) });
  await board.show(lines(false));
  await renderer.render();
  return {
    end: async () => {
      // Nothing is painted over any more: what is longer than a line of the terminal may be wrapped by it.
      board.columns = () => Number.POSITIVE_INFINITY;
      await board.show(lines(true));
      renderer.end();
    },
  };
}

/** Keeps listr's tasks in step with the lines. */
class TaskBoard {
  readonly #listr: Listr<object>;
  readonly #shown: Tasks;
  readonly #states: { readonly [S in TreeState]: Task['state'] };
  readonly #style: Style;
  columns: () => number;
  readonly #tasks = new Map<string, Task>();
  readonly #lineStates = new Map<Task, TreeState>();

  constructor(
    listr: Listr<object>,
    shown: Tasks,
    states: typeof import('listr2').ListrTaskState,
    style: Style,
    columns: () => number,
  ) {
    this.#listr = listr;
    this.#shown = shown;
    this.#style = style;
    this.columns = columns;
    this.#states = {
      waiting: states.WAITING,
      running: states.STARTED,
      done: states.COMPLETED,
      note: states.COMPLETED,
      failed: states.FAILED,
      skipped: states.SKIPPED,
    };
  }

  stateOf(task: Task): TreeState {
    return this.#lineStates.get(task) ?? 'waiting';
  }

  /** Resolves once new tasks are enabled: listr asks that by promise. */
  async show(lines: readonly TreeLine[]): Promise<void> {
    const fresh: Task[] = [];
    this.#shown.splice(0, this.#shown.length, ...lines.map((line) => this.#update(line, 0, fresh)));
    await Promise.all(fresh.map((task) => task.check({})));
  }

  #update(line: TreeLine, level: number, fresh: Task[]): Task {
    const task = this.#tasks.get(line.key) ?? this.#create(line, fresh);
    this.#lineStates.set(task, line.state);
    task.title = formatParts(line.parts, this.#style, this.columns() - 2 * level - 3);
    task.subtasks = line.children.map((child) => this.#update(child, level + 1, fresh));
    // Plain fields, not the setters that listr has for its own use: those would paint once for each line.
    if (task.state !== this.#states[line.state] && !fresh.includes(task)) task.state = this.#states[line.state];
    return task;
  }

  #create(line: TreeLine, fresh: Task[]): Task {
    this.#listr.add({ title: line.key, task: () => undefined });
    // One type by two names: listr2's own types differ in what may be undefined.
    const task = this.#listr.tasks.pop() as Task | undefined;
    if (task === undefined) throw new TypeError('listr2 did not add the task');
    this.#tasks.set(line.key, task);
    fresh.push(task);
    return task;
  }
}

interface Painting {
  readonly writer: Writer;
  readonly style: Style;
  readonly board: TaskBoard;
  readonly shown: Tasks;
  readonly onTick: () => Promise<void>;
}

function createRenderer(listr2: typeof import('listr2'), painting: Painting): DefaultRenderer {
  const { writer, style, board, shown, onTick } = painting;
  const live = streamOf(writer);
  class Output extends listr2.ProcessOutput {
    // log-update keeps this object: with getters it sees the terminal's size as it is, not as it was. And it must not be
    // the stream given to the constructor, whose `write` is taken away while the tree is painted.
    override get stdout(): NodeJS.WriteStream {
      return live;
    }
  }
  class Spinner extends listr2.Spinner {
    override spin(): void {
      super.spin();
      void onTick();
    }
  }
  const spinner = new Spinner();
  class Renderer extends listr2.DefaultRenderer {
    protected override style(task: Task): string {
      const state = board.stateOf(task);
      if (state === 'running') return style.cyan(spinner.fetch());
      const [icon, tone] = icons[state];
      return style[tone](icon);
    }
    // listr's own wraps to the width of `process.stdout`, which may be a pipe while we paint on stderr.
    protected override format(message: string, icon: string, level: number): string[] {
      return [`${'  '.repeat(level)}${icon} ${message}`];
    }
  }
  const logger = new listr2.ListrLogger({
    useIcons: false,
    processOutput: new Output(streamOf(writer), streamOf(writer)),
  });
  return new Renderer(
    shown,
    { collapseSubtasks: false, collapseSkips: true, lazy: false, spinner, logger },
    new listr2.ListrEventManager(),
  );
}

/** A writer as the stream that listr2 and log-update take. */
function streamOf(writer: Writer): NodeJS.WriteStream {
  const stream = {
    isTTY: true,
    write: (text: string): boolean => {
      writer.write(text);
      return true;
    },
    get columns(): number {
      return writer.columns ?? usualColumns;
    },
    get rows(): number | undefined {
      return writer.rows;
    },
  };
  // They write, and ask for the size: nothing else of a stream is used.
  return stream as unknown as NodeJS.WriteStream;
}
