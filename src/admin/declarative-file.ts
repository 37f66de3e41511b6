/**
 * The admin room: the declarative file, the first administrator, the console's pages and the demo of the first run. It
 * stands right of every other room and none calls it but main.ts and app.ts. What it writes, it writes through the rooms
 * that own it.
 *
 * This file reads and checks the declarative file (YAML or JSON). Every mistake is reported at once, with its path;
 * apply.ts writes what was read.
 */
import { open } from 'node:fs/promises'
import type { Db } from '../db/connect.ts'
import { fieldErrorsOf, wording } from '../http/field-errors.ts'
import { type Mistake, unknownKeyIn } from './file-mistakes.ts'
import { ruleMistakes } from './file-rules.ts'
import { type DeclarativeFile, fileSchema, KNOWN_KEYS } from './file-schema.ts'
import { parseYaml } from './file-syntax.ts'
import { findKnownObjects, type KnownObjects, NOTHING_KNOWN, withDescribed } from './known-objects.ts'

export type { DeclarativeFile } from './file-schema.ts'

export const MAX_FILE_BYTES = 1024 * 1024

/** Everything that is wrong with the file. */
export class DeclarativeFileError extends Error {
  readonly mistakes: readonly Mistake[]
  constructor(file: string, mistakes: readonly Mistake[]) {
    const lines = mistakes.map(({ path, message }) => `  - ${path === '' ? 'the file' : path}: ${message}`)
    super(`${file} is not usable; nothing was changed:\n${lines.join('\n')}`)
    this.name = 'DeclarativeFileError'
    this.mistakes = mistakes
  }
}

/**
 * Reads the file. What it refers to may be in the file or in the database.
 * @throws DeclarativeFileError with every mistake, also when there is no such file
 */
export async function readDeclarativeFile(db: Db, path: string): Promise<DeclarativeFile> {
  const text = await readText(path)
  const { value, mistakes } = parseYaml(text)
  const known = value === undefined ? NOTHING_KNOWN : await findKnownObjects(db, value)
  return check(path, value, mistakes, known)
}

/**
 * The same for a text at hand.
 * @param known what the database has; nothing unless given
 */
export function parseDeclarativeFile(text: string, known: KnownObjects = NOTHING_KNOWN): DeclarativeFile {
  const { value, mistakes } = parseYaml(text)
  return check('The file', value, mistakes, known)
}

function check(
  file: string,
  value: unknown,
  syntax: readonly Mistake[],
  known: KnownObjects,
): DeclarativeFile {
  if (value === undefined) throw new DeclarativeFileError(file, syntax)
  const given = value ?? {} // an empty file
  const parsed = fileSchema.safeParse(given, { error: wording })
  const mistakes = [
    ...syntax,
    ...(parsed.error ? fieldErrorsOf(parsed.error, unknownKeyIn(KNOWN_KEYS)) : []),
    ...ruleMistakes(given, withDescribed(given, known)),
  ]
  if (mistakes.length > 0 || !parsed.data) throw new DeclarativeFileError(file, mistakes)
  return parsed.data
}

async function readText(path: string): Promise<string> {
  const bytes = await readBytes(path)
  if (bytes.length > MAX_FILE_BYTES)
    throw new DeclarativeFileError(path, [{ path: '', message: 'is larger than 1 MiB' }])
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new DeclarativeFileError(path, [{ path: '', message: 'is not UTF-8 text' }])
  }
}

/** One byte more than allowed at most: the path may name a pipe without an end. */
async function readBytes(path: string): Promise<Buffer> {
  try {
    const file = await open(path)
    try {
      const bytes = Buffer.alloc(MAX_FILE_BYTES + 1)
      let length = 0
      for (let more = true; more; ) {
        const { bytesRead } = await file.read(bytes, length, bytes.length - length)
        length += bytesRead
        more = bytesRead > 0 && length < bytes.length
      }
      return bytes.subarray(0, length)
    } finally {
      await file.close()
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new DeclarativeFileError(path, [
      { path: '', message: `cannot be read (${code ?? 'unknown reason'})` },
    ])
  }
}
