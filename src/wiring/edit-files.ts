/** Opens files in an editor; see `runEditor`. Loaded only where somebody asks for it. @throws Failure `editor-failed` */
export async function editFiles(
  command: string,
  files: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const { runEditor } = await import('../adapters/system/run-editor.ts');
  await runEditor(command, files, environment);
}
