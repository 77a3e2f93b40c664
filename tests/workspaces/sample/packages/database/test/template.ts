import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node' with { 'resolution-mode': 'import' };
import { MIGRATIONS, createTemplate } from '../src/testing';

/** Migrates a database before all tests, once per state of the migrations. Each test file starts from a copy. */
export default async function setup(project: TestProject): Promise<void> {
  const cache = join(project.config.root, 'node_modules', '.cache', 'stockroom');
  const template = join(cache, `${await migrationsHash()}.tar`);
  if (!existsSync(template)) {
    await mkdir(cache, { recursive: true });
    const unfinished = `${template}.${process.pid}`;
    await writeFile(unfinished, await createTemplate());
    await rename(unfinished, template);
  }
  project.provide('databaseTemplate', template);
}

async function migrationsHash(): Promise<string> {
  const hash = createHash('sha256').update(await readFile(require.resolve('@electric-sql/pglite')));
  const names = (await readdir(MIGRATIONS)).filter((name) => name.endsWith('.sql'));
  for (const name of names.sort()) hash.update(await readFile(join(MIGRATIONS, name)));
  return hash.digest('hex').slice(0, 16);
}
