import process from 'node:process';
import { askAuth } from '../../kit/caller.ts';
import { runService } from '../../kit/run.ts';
import { NEEDED_REVISION } from './needed-revision.ts';
import { addRoutes } from './routes.ts';

await runService(process, {
  name: 'api-user',
  port: 8002,
  needs: NEEDED_REVISION,
  maxBody: 16 * 1024,
  addRoutes: (app, database, settings) => addRoutes(app, database, askAuth(settings.authUrl)),
});
