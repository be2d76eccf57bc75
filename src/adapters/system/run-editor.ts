import { spawn } from 'node:child_process';
import { platform } from 'node:os';
import { Failure } from '../../core/failure.ts';

/**
 * Opens files in an editor and waits until it is closed. `command` is what VISUAL or EDITOR holds, such as
 * `code --wait` or `'/opt/My Editor/bin/ed' -n`: a shell splits it by its own rules, and the paths go to it as
 * arguments of their own, which no shell reads. This is how Git calls the same variables.
 * The editor draws on stderr's terminal, because stdout may be read by `vim $(orch revision …)`.
 * @throws Failure `editor-failed`
 */
export async function runEditor(
  command: string,
  files: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const onWindows = platform() === 'win32';
  // cmd.exe has no arguments apart from its line; a path there can hold no quote.
  const child = onWindows
    ? spawn(`${command} ${files.map((file) => `"${file}"`).join(' ')}`, {
        shell: true,
        stdio: [0, 2, 2],
        env: environment,
      })
    : spawn('/bin/sh', ['-c', `${command} "$@"`, command, ...files], { stdio: [0, 2, 2], env: environment });
  const reason = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(undefined);
      else resolve(signal === null ? `it ended with exit code ${code}` : `${signal} ended it`);
    });
  });
  if (reason !== undefined) throw new Failure('editor-failed', { command, reason, files });
}
