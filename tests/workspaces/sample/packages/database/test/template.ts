import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node' with { 'resolution-mode': 'import' };
import { createTemplate } from '../src/testing';

/** Migrates one database before all tests; each test file starts from a copy of it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'stockroom-'));
  const template = join(folder, 'template.tar');
  await writeFile(template, await createTemplate());
  project.provide('databaseTemplate', template);
  return () => rm(folder, { recursive: true });
}
