import type { TemplateFile } from '../core/authoring/built-in-templates.ts';

export interface NewFile {
  /** Absolute. */
  readonly file: string;
  readonly text: string;
}

export interface FileMove {
  /** Absolute. */
  readonly from: string;
  readonly to: string;
  /** Gives the text that the file has at its new place; all else of it stays, such as its BOM and line ends. */
  readonly edit: (text: string) => string;
}

/** What is needed to write revision files. */
export interface Authoring {
  /**
   * The project's own template of that name; undefined: it has none.
   * @param folder absolute; undefined: the project has no templates
   * @throws Failure `config-invalid` where it can't be read
   */
  findTemplate(folder: string | undefined, file: TemplateFile): Promise<NewFile | undefined>;
  /** Who writes: `Ada Lovelace <ada@example.org>` as Git would say; undefined: not known. */
  findAuthor(): Promise<string | undefined>;
  /** The time now, by the calendar. */
  today(): Date;
  /**
   * Writes all of them or none, each at once with its whole text, and over no file that is there.
   * @throws Failure `file-not-written`
   */
  write(files: readonly NewFile[]): Promise<void>;
  /**
   * Gives all of them their new names and texts, or leaves all as they are; over no file that is there.
   * @throws Failure `file-not-written`
   */
  move(moves: readonly FileMove[]): Promise<void>;
}
