import { until } from './local-service.ts';
import type { ProjectFolder } from './project-folder.ts';

/** Resolves with the process id of the backend in the service's database that runs a statement with this text in it. */
export async function findRunning(project: ProjectFolder, service: string, text: string): Promise<number> {
  let pid: number | undefined;
  await until(`a statement with ${text} runs`, async () => {
    const rows = await project.sql<{ pid: number }>(
      undefined,
      `SELECT pid FROM pg_stat_activity WHERE datname = '${project.database(service)}' AND state = 'active'
       AND pid <> pg_backend_pid() AND strpos(query, '${text}') > 0`,
    );
    pid = rows[0]?.pid;
    return pid !== undefined;
  });
  return pid ?? 0;
}
