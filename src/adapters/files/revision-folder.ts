import { type Dirent, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Fault } from '../../core/fault.ts';
import { LARGE, type LargeText, readLargeText } from './large-text.ts';
import { pairNames } from './pair-names.ts';
import type { ProjectPaths } from './project-paths.ts';
import { readText, SIZE_LIMIT, sizeOf, wholeFault } from './read-text.ts';
import { EXPECTED_NAMES, isIgnoredName, parseRevisionName, type RevisionName } from './revision-name.ts';
import { reasonOf } from './system-error.ts';

/** A file of a revision, read. */
export interface RevisionFile {
  readonly name: RevisionName;
  /** Absolute path as the config gives it. */
  readonly file: string;
  /** The path for messages. */
  readonly shown: string;
  /** Of a large text that is not held in memory, only the beginning. */
  readonly text: string;
  readonly large: LargeText | undefined;
}

/** The files of one revision. `down` is undefined for TypeScript, which has both directions in one file. */
export interface RevisionFiles {
  readonly up: RevisionFile;
  readonly down: RevisionFile | undefined;
}

/** A folder of revision or seed files. Whatever is wrong with its files is gathered, so that all is said at once. */
export class RevisionFolder {
  readonly faults: Fault[] = [];
  readonly #path: string;
  readonly #paths: ProjectPaths;
  readonly #service: string;

  /** @param service for messages */
  constructor(path: string, paths: ProjectPaths, service: string) {
    this.#service = service;
    this.#path = path;
    this.#paths = paths;
  }

  /** Lists the folder and reads its files, each once, in no order. */
  read(): readonly RevisionFiles[] {
    const real = this.#resolve();
    if (real === undefined) return [];
    const links = new Set<string>();
    const names: RevisionName[] = [];
    for (const entry of this.#list(real)) {
      const name = this.#parse(entry);
      if (name === undefined) continue;
      names.push(name);
      if (entry.isSymbolicLink()) links.add(entry.name);
    }
    const { pairs, faults } = pairNames(names);
    for (const { fileName, message, hint } of faults) this.#fault(fileName, message, hint);
    return pairs.flatMap((pair) => {
      const up = this.#read(pair.up, real, links);
      const down = pair.down === undefined ? undefined : this.#read(pair.down, real, links);
      return up === undefined || (pair.down !== undefined && down === undefined) ? [] : [{ up, down }];
    });
  }

  #fault(fileName: string, message: string, hint?: string): undefined {
    this.faults.push(wholeFault(this.#paths.show(join(this.#path, fileName)), message, hint));
  }

  #resolve(): string | undefined {
    try {
      const real = this.#paths.resolve(this.#path);
      return real ?? this.#fault('', 'leads out of the project', 'keep revision folders below the config file');
    } catch (error) {
      return this.#fault(
        '',
        `the folder cannot be read: ${reasonOf(error)}`,
        'make the folder, or name another in the service file',
      );
    }
  }

  #list(real: string): readonly Dirent[] {
    try {
      return readdirSync(real, { withFileTypes: true });
    } catch (error) {
      this.#fault('', `the folder cannot be read: ${reasonOf(error)}`);
      return [];
    }
  }

  /** The name of an entry that is to be read; undefined: it is ignored, or a fault. */
  #parse(entry: Dirent): RevisionName | undefined {
    if (isIgnoredName(entry.name)) return undefined;
    const name = parseRevisionName(entry.name);
    if (name !== undefined && (entry.isFile() || entry.isSymbolicLink())) return name;
    if (entry.isDirectory())
      return this.#fault(entry.name, 'is a folder, and revision folders have none', EXPECTED_NAMES);
    return this.#fault(entry.name, name === undefined ? 'is no revision file' : 'is no regular file', EXPECTED_NAMES);
  }

  #read(name: RevisionName, realFolder: string, links: ReadonlySet<string>): RevisionFile | undefined {
    const file = join(this.#path, name.fileName);
    const shown = this.#paths.show(file);
    const real = links.has(name.fileName) ? this.#follow(name.fileName, realFolder) : join(realFolder, name.fileName);
    if (real === undefined) return undefined;
    const read = name.part === 'code' ? readText(real, shown) : this.#readSql(real, shown);
    if (typeof read === 'string') return { name, file, shown, text: read, large: undefined };
    if ('head' in read) return { name, file, shown, text: read.head, large: read };
    this.faults.push(read);
    return undefined;
  }

  #readSql(real: string, shown: string): string | LargeText | Fault {
    const size = sizeOf(real);
    if (size <= LARGE || size > SIZE_LIMIT) return readText(real, shown);
    try {
      return readLargeText(real, shown, this.#service);
    } catch (error) {
      return wholeFault(shown, `cannot be read: ${reasonOf(error)}`);
    }
  }

  #follow(fileName: string, realFolder: string): string | undefined {
    try {
      const real = this.#paths.resolve(join(realFolder, fileName));
      return real ?? this.#fault(fileName, 'is a link that leads out of the project', 'put the file itself here');
    } catch (error) {
      return this.#fault(fileName, `is a link that cannot be followed: ${reasonOf(error)}`);
    }
  }
}
