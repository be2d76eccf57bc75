import { testGroup } from './suite.ts';

testGroup('services');
