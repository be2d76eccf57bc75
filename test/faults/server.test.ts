import { afterAll } from 'vitest';
import { removeDockerServer } from './docker-server.ts';
import { testGroup } from './suite.ts';

testGroup('server');
afterAll(removeDockerServer);
