/** Colours as functions: each gives the text back unchanged where no colour is wanted. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

/** The styles for a terminal with colours, or for none (`NO_COLOR`, pipes). */
export function createStyle(color: boolean): Style {
  const wrap = (open: number, close: number) => (text: string) =>
    color && text !== '' ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    bold: wrap(1, 22),
    dim: wrap(2, 22),
    red: wrap(31, 39),
    green: wrap(32, 39),
    yellow: wrap(33, 39),
    cyan: wrap(36, 39),
  };
}

/**
 * Whether a stream is coloured: `NO_COLOR` (any value but the empty one, no-color.org) and `TERM=dumb` say no,
 * `FORCE_COLOR` (but `0`) says yes, else terminals are.
 */
export function wantsColor(environment: Readonly<Record<string, string | undefined>>, isTTY: boolean): boolean {
  if ((environment.NO_COLOR ?? '') !== '') return false;
  const forced = environment.FORCE_COLOR;
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return isTTY && environment.TERM !== 'dumb';
}
