import { testGroup } from './suite.ts';

testGroup('contention');
