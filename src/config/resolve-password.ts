import { dirname, resolve } from 'node:path';
import type { ConfigPath } from './config-document.ts';
import type { ResolveContext } from './resolve-context.ts';
import { refuse } from './resolve-context.ts';
import { readSecretFile } from './secret.ts';
import type { Valid } from './validate.ts';

/** Where a password may stand: in the config, in a file, or (`fromUrl`) in a URL beside the two. */
interface PasswordKeys {
  readonly password?: string | undefined;
  readonly passwordFile?: string | undefined;
}

/** The password of the mapping at a path; undefined: none is given, or it is empty. Remembers it as a secret. */
export function resolvePassword(
  context: ResolveContext,
  valid: Valid<unknown>,
  path: ConfigPath,
  keys: PasswordKeys,
  fromUrl?: string,
): string | undefined {
  if (keys.password !== undefined && keys.passwordFile !== undefined) {
    return refuse(
      context,
      valid,
      [...path, 'passwordFile'],
      'both password and passwordFile',
      'Keep one of the two.',
      'key',
    );
  }
  const own = keys.passwordFile === undefined ? keys.password : readFile(context, valid, path, keys.passwordFile);
  if (own === undefined || own === '') return fromUrl;
  context.secrets.add(own);
  if (fromUrl !== undefined) {
    const key = keys.passwordFile === undefined ? 'password' : 'passwordFile';
    return refuse(
      context,
      valid,
      [...path, key],
      `the URL has a password, and ${key} gives another`,
      'Keep one of the two.',
      'key',
    );
  }
  return own;
}

function readFile(context: ResolveContext, valid: Valid<unknown>, path: ConfigPath, file: string): string | undefined {
  const secret = readSecretFile(resolve(dirname(valid.document.path), file));
  if ('value' in secret) return secret.value;
  return refuse(context, valid, [...path, 'passwordFile'], `the password file ${secret.problem}`);
}
