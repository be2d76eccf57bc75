import type { Database } from '../../kit/database.ts';

type PromptTemplate = {
  readonly id: string;
  readonly name: string;
  readonly template: string;
  readonly variables: readonly string[];
  readonly is_default: boolean;
};

export async function listPromptTemplates(database: Database): Promise<readonly PromptTemplate[]> {
  return database.query<PromptTemplate>(
    'SELECT id, name, template, variables, is_default FROM prompt_templates ORDER BY name',
  );
}
