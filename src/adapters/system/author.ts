import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';

/**
 * Who writes a revision: as Git would name the author of a commit (its config and GIT_AUTHOR_NAME, GIT_AUTHOR_EMAIL),
 * else the name of the login; undefined: this process runs as a user without a name, as containers may.
 */
export async function findAuthor(surroundings: {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}): Promise<string | undefined> {
  const author = (await gitAuthor(surroundings)) ?? loginName();
  return author?.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '').trim() || undefined;
}

/** `Ada Lovelace <ada@example.org> 1763683200 +0000` without its time; undefined: no Git here, or it knows no name. */
function gitAuthor({ cwd, environment }: Parameters<typeof findAuthor>[0]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile('git', ['var', 'GIT_AUTHOR_IDENT'], { cwd, env: environment, timeout: 5000 }, (error, stdout) => {
      resolve(error === null ? stdout.replace(/ \d+ [+-]\d{4}\s*$/, '') : undefined);
    });
  });
}

function loginName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}
