import { testGroup } from './suite.ts';

testGroup('silence');
