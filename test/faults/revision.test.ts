import { testGroup } from './suite.ts';

testGroup('revision');
