import type { ConfigDocument, SourceText, VariablesFor } from './config-document.ts';
import { faultOf } from './diagnostic.ts';
import { putVariablesIn } from './put-in.ts';
import { parseSimpleYaml } from './simple-yaml.ts';

/**
 * `parseConfigDocument` for a text that is simple and has nothing wrong: then the document is the same but for
 * positions. Any fault of it means no more than "read it again with the library".
 */
export function parseSimpleDocument(source: SourceText, variables: VariablesFor): ConfigDocument {
  const simple = parseSimpleYaml(source.text);
  const { value, secrets, faults } = putVariablesIn(simple, variables);
  const isFaulty = simple === undefined || faults.length > 0;
  return {
    ...source,
    parsed: true,
    value: isFaulty ? undefined : value,
    faults: isFaulty ? [faultOf(source.shown, 'not simple')] : [],
    secretRanges: [],
    secrets,
    rangeOf: () => ({ start: 0, end: 0 }),
    isSecret: () => true,
  };
}
