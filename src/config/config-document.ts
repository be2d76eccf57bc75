import type { Fault } from '../core/fault.ts';
import type { FindVariable } from './interpolate.ts';

/** Where a value stands in a config file: keys and indexes from the top. */
export type ConfigPath = readonly (string | number)[];

/** A part of a text, in UTF-16 units. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** A config file, read: its value with the variables put in, and where each part of it stands. */
export interface ConfigDocument {
  /** Absolute. */
  readonly path: string;
  /** As messages name it. */
  readonly shown: string;
  readonly text: string;
  /** False: the text is no YAML, or too much of it; nothing is known of its parts. */
  readonly parsed: boolean;
  /** With empty text where a variable is missing. Undefined: there is none to go on with. `faults` says why. */
  readonly value: unknown;
  readonly faults: readonly Fault[];
  /** Parts of the text that hold secrets. */
  readonly secretRanges: readonly TextRange[];
  /** Values of variables whose name says that they are secret. */
  readonly secrets: readonly string[];
  /** The key or the value at that path; of a missing key, what should have held it. */
  readonly rangeOf: (path: ConfigPath, part: 'key' | 'value') => TextRange;
  /** True where the value at that path is shown to nobody. */
  readonly isSecret: (path: ConfigPath) => boolean;
}

/** A text to parse: where it was read and how it is named. */
export interface SourceText {
  readonly path: string;
  readonly shown: string;
  readonly text: string;
}

/** Finds variables for a value; a secret's value may also come from a file (`NAME_FILE`). */
export type VariablesFor = (holdsSecret: boolean) => FindVariable;
