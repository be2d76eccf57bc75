import process from 'node:process';
import { askAuth } from '../../kit/caller.ts';
import { runService } from '../../kit/run.ts';
import { NEEDED_REVISION } from './needed-revision.ts';
import { addRoutes } from './routes.ts';

await runService(process, {
  name: 'api-admin',
  port: 8003,
  needs: NEEDED_REVISION,
  // An embedding of 3072 dimensions is about 64 KiB of JSON.
  maxBody: 256 * 1024,
  addRoutes: (app, database, settings) => addRoutes(app, database, askAuth(settings.authUrl)),
});
