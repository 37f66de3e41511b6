// The repository's own sources, and what they import. Reads text only: comments are left out, nothing is run.
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Import {
  /** A path from the root for our own files, else the name of a package or of a module of Node. */
  readonly target: string
  /** Gone after compiling: `import type`, `export type … from`. */
  readonly typeOnly: boolean
}

export interface SourceFile {
  /** From the root, with `/`. */
  readonly path: string
  readonly lines: number
  /** Without comments. */
  readonly code: string
  readonly imports: readonly Import[]
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const SOURCE = /\.(?:ts|tsx|js|mjs)$/

/** Every source file below these folders of the root. */
export function sourceFiles(...folders: readonly string[]): SourceFile[] {
  return folders.flatMap(folder =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && SOURCE.test(entry.name))
      .map(entry => join(entry.parentPath, entry.name).slice(ROOT.length).replaceAll('\\', '/'))
      .sort()
      .map(path => sourceFile(path, readFileSync(join(ROOT, path), 'utf8'))),
  )
}

/** @param path from the root */
export function sourceFile(path: string, text: string): SourceFile {
  const code = withoutComments(text)
  return { path, lines: text.replace(/\n$/, '').split('\n').length, code, imports: importsOf(path, code) }
}

/** Good enough for this code: `//` begins a comment at the start of a line or after a space. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

function importsOf(path: string, code: string): Import[] {
  // `[^;'"]` keeps a match within one statement: statements here end without semicolons, but names hold no quotes.
  const statements = code.matchAll(/^(?:import|export)\s+(type\s)?(?:[^;'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm)
  const dynamic = code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)
  return [
    ...[...statements].map(([, type, name = '']) => ({
      target: resolved(path, name),
      typeOnly: type !== undefined,
    })),
    ...[...dynamic].map(([, name = '']) => ({ target: resolved(path, name), typeOnly: false })),
  ]
}

function resolved(from: string, name: string): string {
  return name.startsWith('.') ? posix.join(posix.dirname(from), name) : name
}
