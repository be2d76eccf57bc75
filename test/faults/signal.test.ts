import { testGroup } from './suite.ts';

testGroup('signal');
