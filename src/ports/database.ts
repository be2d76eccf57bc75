/** One PostgreSQL session. Adapters translate driver errors into `DatabaseError`. */

export interface QueryResult<Row = Record<string, unknown>> {
  readonly rows: readonly Row[];
  /** The command tag, such as `COMMIT`, `ROLLBACK`, `INSERT`. */
  readonly command: string;
  readonly rowCount: number;
}

export interface Notice {
  readonly severity: string;
  readonly message: string;
}

/** What the server or the driver said; `connection` true: the session is gone. */
export class DatabaseError extends Error {
  readonly sqlstate: string;
  readonly detail: string | undefined;
  readonly serverHint: string | undefined;
  readonly where: string | undefined;
  /** 1-based, in characters (code points) of the query text; undefined for run-time errors. */
  readonly position: number | undefined;
  /** Statements of the same message that the server had finished before; undefined where they are not counted. */
  readonly statementsDone: number | undefined;
  /** The session cannot be used any more. */
  readonly connection: boolean;

  constructor(
    message: string,
    fields: {
      readonly sqlstate: string;
      readonly detail?: string | undefined;
      readonly serverHint?: string | undefined;
      readonly where?: string | undefined;
      readonly position?: number | undefined;
      readonly statementsDone?: number | undefined;
      readonly connection: boolean;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause: fields.cause });
    this.name = 'DatabaseError';
    this.sqlstate = fields.sqlstate;
    this.detail = fields.detail;
    this.serverHint = fields.serverHint;
    this.where = fields.where;
    this.position = fields.position;
    this.statementsDone = fields.statementsDone;
    this.connection = fields.connection;
  }
}

export interface RunOptions {
  /** The result is that of the statement with this index (from 0) instead of the last one's; `none`: there is no result. */
  readonly rowsOf?: number | 'none';
}

/** Whether a transaction block is open: `failed` until it is rolled back. */
export type TransactionState = 'none' | 'open' | 'failed';

export interface Session {
  /** The backend's process id, as `pg_stat_activity` shows it. */
  readonly pid: number;
  /** True: PGlite's one session, which all connections share; its `pid` is nobody's. */
  readonly shared?: boolean;
  /** As of the last answer. */
  readonly transaction: TransactionState;
  /**
   * Simple protocol: one or several statements, no parameters; the result is the last statement's.
   * May be called before an earlier call has answered: messages go out at once, in the order of the calls, and the server
   * works through them in that order, whether or not an earlier one fails.
   */
  run(sql: string, options?: RunOptions): Promise<QueryResult>;
  /**
   * COPY … FROM STDIN with its data, which is sent as fast as the server takes it.
   * @throws DatabaseError 0A000 on PGlite's shared session
   */
  copyIn(sql: string, rows: Iterable<string>): Promise<QueryResult>;
  /** Extended protocol: one statement with parameters. */
  query<Row = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<QueryResult<Row>>;
  onNotice(listener: (notice: Notice) => void): () => void;
  /** Called once when the server or the network ends the session; not on `close`. */
  onLost(listener: (error: DatabaseError) => void): void;
  close(): Promise<void>;
}

/** As whom and where to connect. */
export interface Location {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly role: string;
  readonly password: string | undefined;
  /** Role to act as after logging in as `role`; undefined: the login role itself. */
  readonly actAs: string | undefined;
  readonly tls: import('../core/project.ts').Tls;
  /** `one`: PGlite, which has a single session behind all connections: no session state may be set, no locks be relied on. */
  readonly sessions: 'many' | 'one';
  /** True: it may be a pooler that gives each session a backend of its own; absent: nothing may stand in between. */
  readonly pooler?: boolean;
}

export interface Database {
  /**
   * Opens a session with orch's own settings (search path `pg_catalog`, timeouts off, keepalives) at start-up.
   * @param purpose shown as part of `application_name`, such as `lock` or `worker`; a `worker` runs a service's own text:
   *   it gets the search path of its role or database instead of `pg_catalog`
   * @throws DatabaseError with `connection` true where no session could be had
   */
  connect(location: Location, purpose: string, signal?: AbortSignal): Promise<Session>;
  /** Hears when a connection has to wait for a place at its server; absent: none waits. */
  onFull?(listener: () => void): void;
}
