import { testGroup } from './suite.ts';

testGroup('kill');
