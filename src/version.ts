import packageFile from '../package.json' with { type: 'json' };

/** The package's own version, as the ledger records it. */
export const VERSION: string = packageFile.version;
