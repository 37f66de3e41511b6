// The rules of the house that a machine can check. Each looks at one file and says what is wrong with it, in words.
import type { Import, SourceFile } from './source-files.ts'

/** Each room may import the ones before it. */
const ROOMS = [
  'audit',
  'revocation',
  'accounts',
  'clients',
  'resources',
  'keys',
  'credentials',
  'sign-in',
  'oidc',
  'leaks',
  'verify',
  'developer',
  'admin',
]
/** Folders and files of the ground, which knows no room. */
const GROUND = [
  'db',
  'http',
  'mail',
  'secrets',
  'log.ts',
  'config.ts',
  'settings.ts',
  'setting-parsers.ts',
  'version.ts',
]
const OWN_FOLDERS = /^(?:src|views|migrations|test|bench|bin)\//
const MOST_LINES = 400
const UNUSED_WORDS = ['manager', 'service', 'helper', 'helpers', 'util', 'utils', 'common', 'base', 'impl']

export type Rule = (file: SourceFile) => string[]

/** The room, or the part of the ground, or the file right below src. */
const partOf = (path: string) => path.split('/')[1] ?? ''

const eachImport = (file: SourceFile, complaint: (one: Import) => string | undefined): string[] =>
  file.imports.flatMap(one => {
    const found = complaint(one)
    return found === undefined ? [] : [`imports ${one.target}: ${found}`]
  })

/** main → app → rooms → ground; rooms only leftward; the verifier imports nothing, the command line stands alone. */
export const arrows: Rule = file => {
  if (!file.path.startsWith('src/')) return []
  const from = partOf(file.path)
  return eachImport(file, ({ target, typeOnly }) => {
    if (!OWN_FOLDERS.test(target)) return undefined
    if (!/^(?:src|views)\//.test(target)) return 'src imports only src and views'
    if (from === 'verifier')
      return partOf(target) === from ? undefined : 'the verifier imports nothing from the rest'
    if (target.startsWith('src/verifier/') && !GROUND.includes(from)) return undefined
    if (from === 'cli')
      return ['cli', 'main.ts', 'config.ts', 'version.ts'].includes(partOf(target))
        ? undefined
        : 'the command line is thin: it starts main.ts or speaks the JSON API'
    if (target.startsWith('views/') || from === 'main.ts') return undefined
    const to = partOf(target)
    if (GROUND.includes(from)) {
      const sumOfTables = file.path === 'src/db/tables.ts' && typeOnly && target.endsWith('/tables.ts')
      return GROUND.includes(to) || sumOfTables ? undefined : 'the ground imports only the ground'
    }
    if (from === 'app.ts' || ROOMS.includes(from)) return wrongWay(from, to)
    return `src/${from} is neither a room nor the ground: add it to test/support/architecture.ts`
  })
}

function wrongWay(from: string, to: string): string | undefined {
  if (GROUND.includes(to)) return undefined
  if (!ROOMS.includes(to)) return 'rooms and app.ts import only rooms and the ground'
  if (from === 'app.ts' || ROOMS.indexOf(to) <= ROOMS.indexOf(from)) return undefined
  return `${to} is right of ${from}: app.ts hands over a function instead`
}

export const viewsStandAlone: Rule = file =>
  file.path.startsWith('views/')
    ? eachImport(file, ({ target, typeOnly }) =>
        OWN_FOLDERS.test(target) && !target.startsWith('views/') && !typeOnly
          ? 'views import only views and types'
          : undefined,
      )
    : []

export const migrationsStandAlone: Rule = file =>
  file.path.startsWith('migrations/')
    ? eachImport(file, ({ target }) => (target === 'kysely' ? undefined : 'migrations import only kysely'))
    : []

export const providerInOneRoom: Rule = file =>
  /^(?:src|views|migrations)\//.test(file.path) && !file.path.startsWith('src/oidc/')
    ? eachImport(file, ({ target }) =>
        /^oidc-provider(?:\/|$)/.test(target) ? 'only src/oidc imports oidc-provider' : undefined,
      )
    : []

export const environmentInTwoFiles: Rule = file => {
  if (!/^(?:src|views|migrations)\//.test(file.path)) return []
  if (['src/main.ts', 'src/config.ts'].includes(file.path)) return []
  const reads =
    /\bprocess\s*(?:\?\.|\.)\s*env\b|\bprocess\[|\benv\b[^=;]*=\s*process\b(?!\.)/.test(file.code) ||
    file.imports.some(({ target }) => /^(?:node:)?process$/.test(target))
  return reads ? ['reads the environment: only main.ts and config.ts do'] : []
}

export const length: Rule = file =>
  file.lines > MOST_LINES ? [`has ${file.lines} lines: ${MOST_LINES} is the most, split it by concept`] : []

export const noBarrel: Rule = file =>
  /(?:^|\/)index\.\w+$/.test(file.path) ? ['is a barrel: import the file that defines the thing'] : []

/** `key-store` and `KeyStore` are key and store. */
const wordsOf = (name: string) =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)

export const names: Rule = file => {
  const inPath = file.path.split('/').flatMap(part => wordsOf(part.replace(/\..*$/, '')))
  const types = [...file.code.matchAll(/\b(?:class|interface)\s+(\w+)/g)].map(([, name = '']) => name)
  return [
    ...inPath
      .filter(word => UNUSED_WORDS.includes(word))
      .map(word => `is named with "${word}", which says nothing`),
    ...types
      .filter(name => wordsOf(name).some(word => UNUSED_WORDS.includes(word)) || /^I[A-Z][a-z]/.test(name))
      .map(name => `names a type ${name}: say what it is`),
  ]
}

export const noConsole: Rule = file =>
  /^(?:src|views)\//.test(file.path) &&
  !/^(?:src\/cli|views\/assets)\//.test(file.path) &&
  /\bconsole\s*\./.test(file.code)
    ? ['writes to the console: there is a log']
    : []

export const everyTestRuns: Rule = file =>
  file.path.startsWith('test/') &&
  /\b(?:it|test|describe)\.(?:only|skip|todo|failing)\b|\b(?:x|f)(?:it|test|describe)\s*\(/.test(file.code)
    ? ['leaves tests out: a test runs or is deleted']
    : []

/** Circles of imports that exist at run time, each told once. */
export function circles(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map(file => [file.path, file]))
  const done = new Set<string>()
  const found: string[] = []
  const visit = (path: string, way: readonly string[]) => {
    const at = way.indexOf(path)
    if (at >= 0) found.push([...way.slice(at), path].join(' → '))
    if (at >= 0 || done.has(path)) return
    for (const { target, typeOnly } of byPath.get(path)?.imports ?? [])
      if (!typeOnly && byPath.has(target)) visit(target, [...way, path])
    done.add(path)
  }
  for (const { path } of files) visit(path, [])
  return found
}
