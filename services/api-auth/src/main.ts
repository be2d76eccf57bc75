import process from 'node:process';
import { runService } from '../../kit/run.ts';
import { NEEDED_REVISION } from './needed-revision.ts';
import { addRoutes } from './routes.ts';

await runService(process, {
  name: 'api-auth',
  port: 8001,
  needs: NEEDED_REVISION,
  maxBody: 16 * 1024,
  addRoutes: (app, database) => addRoutes(app, database),
});
