import { testGroup } from './suite.ts';

testGroup('connection');
