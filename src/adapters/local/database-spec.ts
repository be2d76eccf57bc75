/** What a worker thread is started with; plain data, since it is cloned into the thread. */
export type WorkerTask =
  | { readonly kind: 'make-template' /** Absolute; must not exist. */; readonly folder: string }
  | { readonly kind: 'serve'; readonly spec: DatabaseSpec };

/** One database to serve. */
export interface DatabaseSpec {
  readonly database: string;
  /** Absolute; made from `template` where it does not exist. */
  readonly folder: string;
  /** Absolute folder of an empty cluster. */
  readonly template: string;
  /** Owns the database; created where it is missing. */
  readonly owner: string;
  /** Superusers besides `postgres`; created where they are missing. */
  readonly admins: readonly string[];
  /** Roles to log in with, created where they are missing: on a server, roles outlive the database that is dropped. */
  readonly roles: readonly string[];
  /** SQL names of the extensions to have at hand. */
  readonly extensions: readonly string[];
  /** Port to listen on if it is free; 0: any. */
  readonly port: number;
  /** ms */
  readonly idleInTransaction: number;
}

/** What a worker thread says. */
export type WorkerNews =
  | { readonly type: 'ready'; readonly port: number }
  | { readonly type: 'done' }
  /** `output`: what PostgreSQL wrote last, oldest line first. */
  | { readonly type: 'failed'; readonly reason: string; readonly output: readonly string[] };
