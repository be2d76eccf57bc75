import { testGroup } from './suite.ts';

testGroup('refusal');
