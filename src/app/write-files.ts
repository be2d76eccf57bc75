import type { WrittenRevision } from '../core/answers/authoring.ts';
import { builtInTemplates, type TemplateFile } from '../core/authoring/built-in-templates.ts';
import { nextName, slugOf, styleOf } from '../core/authoring/file-style.ts';
import { formatHead } from '../core/authoring/head.ts';
import { guessSubject } from '../core/authoring/message-guess.ts';
import { fileNameOf } from '../core/authoring/rebase.ts';
import { renderTemplate } from '../core/authoring/render-template.ts';
import { Failure, isFailure } from '../core/failure.ts';
import type { Service } from '../core/project.ts';
import type { Revision } from '../core/revision.ts';
import { faultAt } from '../core/sql/position.ts';
import type { NewFile } from '../ports/authoring.ts';
import type { Run } from '../ports/run.ts';

/** What is to be written. */
export interface Draft {
  readonly service: Service;
  readonly kind: 'revision' | 'merge' | 'seed';
  readonly language: 'sql' | 'typescript';
  readonly message: string;
  /** What its `parents` line says; undefined: it needs none. */
  readonly line: readonly string[] | undefined;
  /** Names of its parents. */
  readonly parents: readonly string[];
  /** What stands below the head of each file; absent: what the templates say. */
  readonly body?: { readonly up: string; readonly down: string } | undefined;
}

export interface ServiceFiles {
  readonly revisions: readonly Revision[];
  readonly seeds: readonly Revision[];
}

/** How often a name may turn out taken before orch gives up. */
const ATTEMPTS = 8;

/**
 * Writes the files of what `prepare` finds to write under the next name of their folder. Where somebody else has taken
 * that name in between, all is looked at again: theirs may be the parent now.
 * @throws Failure `config-invalid` where a template of the project is at fault, `file-not-written`, what `prepare` throws
 */
export async function writeNext(
  run: Run,
  prepare: () => Promise<{ readonly draft: Draft; readonly there: ServiceFiles }>,
): Promise<WrittenRevision> {
  const author = await run.ports.authoring.findAuthor();
  for (let attempt = 1; ; attempt += 1) {
    const { draft, there } = await prepare();
    const { name, files } = await makeFiles(run, draft, { there, author });
    try {
      await run.ports.authoring.write(files);
      const { service, kind, message, parents } = draft;
      return { service: service.name, kind, name, message, parents, files: files.map(({ file }) => file) };
    } catch (error) {
      if (!isFailure(error, 'file-not-written') || !error.details.exists || attempt === ATTEMPTS) throw error;
    }
  }
}

interface Surroundings {
  readonly there: ServiceFiles;
  readonly author: string | undefined;
}

async function makeFiles(
  run: Run,
  draft: Draft,
  { there, author }: Surroundings,
): Promise<{ readonly name: string; readonly files: readonly NewFile[] }> {
  const { service, kind, language, message } = draft;
  const { today } = run.ports.authoring;
  const beside = kind === 'seed' ? there.seeds : there.revisions;
  const taken = new Set([...there.revisions, ...there.seeds].map(({ name }) => name));
  const style = styleOf(beside.map(({ up }) => fileNameOf(up.file)));
  const now = today();
  const { id, name, stem } = nextName(style, slugOf(message, style.wordSeparator), now, taken);
  const created = `${now.toISOString().slice(0, 19)}Z`;
  const head = formatHead({ message, parents: draft.line, author, created }, language === 'sql' ? '--' : '//');
  const values = {
    ...{ id, name, message, created, service: service.name, database: service.database },
    author: author ?? '',
    parents: draft.parents.join(' and '),
    subject: guessSubject(message),
    naming: run.project.naming,
  };
  const folder = (kind === 'seed' ? service.seeds : undefined) ?? service.revisions;
  const files = templatesOf(kind, language).map(async ({ template, ending }): Promise<NewFile> => {
    const isDown = template.includes('.down.');
    const { body } = draft;
    const text =
      body === undefined
        ? await fill(run, template, { ...values, head: isDown ? '' : head })
        : isDown
          ? body.down
          : `${head}\n\n${body.up}`;
    return { file: joinPath(folder, `${stem}${ending === 'up' ? style.upEnding : ending}`), text };
  });
  return { name, files: await Promise.all(files) };
}

function templatesOf(
  kind: Draft['kind'],
  language: Draft['language'],
): readonly { readonly template: TemplateFile; readonly ending: 'up' | '.down.sql' | '.ts' }[] {
  if (kind === 'merge')
    return [
      { template: 'merge.up.sql', ending: 'up' },
      { template: 'merge.down.sql', ending: '.down.sql' },
    ];
  if (language === 'typescript') return [{ template: kind === 'seed' ? 'seed.ts' : 'revision.ts', ending: '.ts' }];
  if (kind === 'seed') return [{ template: 'seed.up.sql', ending: 'up' }];
  return [
    { template: 'revision.up.sql', ending: 'up' },
    { template: 'revision.down.sql', ending: '.down.sql' },
  ];
}

async function fill(run: Run, template: TemplateFile, values: Parameters<typeof renderTemplate>[1]): Promise<string> {
  const own = await run.ports.authoring.findTemplate(run.project.templates, template);
  const source = own?.text ?? builtInTemplates[template];
  const { text, faults } = renderTemplate(source, values);
  if (faults.length === 0) return text;
  const file = own?.file ?? template;
  throw new Failure('config-invalid', {
    faults: faults.map(({ offset, message, hint }) => faultAt(file, source, offset, message, hint)),
  });
}

/** The folder is absolute, in the words of its system. */
function joinPath(folder: string, name: string): string {
  const separator = folder.includes('\\') && !folder.includes('/') ? '\\' : '/';
  return folder.endsWith(separator) ? `${folder}${name}` : `${folder}${separator}${name}`;
}
