// The house, held to its word. A failure names the file and the rule; the rules are in support/architecture.ts.
import { describe, expect, it } from '@jest/globals'
import * as rules from './support/architecture.ts'
import { type SourceFile, sourceFile, sourceFiles } from './support/source-files.ts'

const files = sourceFiles('src', 'views', 'migrations', 'test', 'bin')

const complaints = (all: readonly SourceFile[], rule: rules.Rule) =>
  all.flatMap(file => rule(file).map(complaint => `${file.path} ${complaint}`))

describe('the house', () => {
  it.each<[string, rules.Rule]>([
    ['main → app → rooms → ground, and rooms only leftward', rules.arrows],
    ['views import only views and types', rules.viewsStandAlone],
    ['migrations import only kysely', rules.migrationsStandAlone],
    ['only src/oidc imports oidc-provider', rules.providerInOneRoom],
    ['only main.ts and config.ts read the environment', rules.environmentInTwoFiles],
    ['no file is longer than 400 lines', rules.length],
    ['no barrels', rules.noBarrel],
    ['names say something', rules.names],
    ['nothing is written to the console', rules.noConsole],
    ['no test is left out', rules.everyTestRuns],
  ])('%s', (_name, rule) => {
    expect(complaints(files, rule)).toEqual([])
  })

  it('no import leads back to where it began', () => {
    expect(rules.circles(files.filter(({ path }) => /^(?:src|views)\//.test(path)))).toEqual([])
  })

  it('reads the files it judges', () => {
    const app = files.find(({ path }) => path === 'src/app.ts')
    expect(app?.imports).toContainEqual({ target: 'src/config.ts', typeOnly: true })
    expect(app?.imports).toContainEqual({ target: 'koa', typeOnly: false })
    expect(files.find(({ path }) => path === 'src/cli/latchkey.ts')?.imports).toContainEqual({
      target: 'src/main.ts',
      typeOnly: false,
    })
  })
})

describe('each rule finds what it forbids', () => {
  const one = (path: string, code: string) => sourceFile(path, code)

  it.each<[string, rules.Rule, SourceFile]>([
    ['a room to the right', rules.arrows, one('src/keys/a.ts', "import { b } from '../oidc/b.ts'")],
    [
      'a type of a room to the right',
      rules.arrows,
      one('src/keys/a.ts', "import type { B } from '../oidc/b.ts'"),
    ],
    [
      'an import over several lines',
      rules.arrows,
      one('src/keys/a.ts', "import {\n  type B,\n  b,\n} from '../oidc/b.ts'"),
    ],
    ['an export from elsewhere', rules.arrows, one('src/keys/a.ts', "export * from '../oidc/b.ts'")],
    ['an import while running', rules.arrows, one('src/keys/a.ts', "const b = await import('../oidc/b.ts')")],
    ['the app in a room', rules.arrows, one('src/oidc/a.ts', "import '../app.ts'")],
    ['a room in the ground', rules.arrows, one('src/db/a.ts', "import type { A } from '../audit/audit.ts'")],
    [
      'a value in the sum of tables',
      rules.arrows,
      one('src/db/tables.ts', "import { A } from '../audit/tables.ts'"),
    ],
    [
      'a room on the command line',
      rules.arrows,
      one('src/cli/a.ts', "import { a } from '../admin/apply.ts'"),
    ],
    ['a folder nobody knows', rules.arrows, one('src/misc/a.ts', "import { a } from '../log.ts'")],
    [
      'the house in the verifier',
      rules.arrows,
      one('src/verifier/a.ts', "import type { A } from '../log.ts'"),
    ],
    ['a room in a view', rules.viewsStandAlone, one('views/a.tsx', "import { a } from '../src/log.ts'")],
    [
      'the house in a migration',
      rules.migrationsStandAlone,
      one('migrations/a.ts', "import { a } from '../src/log.ts'"),
    ],
    [
      'the provider in a room',
      rules.providerInOneRoom,
      one('src/verify/a.ts', "import type { Provider } from 'oidc-provider'"),
    ],
    [
      'the environment in a room',
      rules.environmentInTwoFiles,
      one('src/http/a.ts', 'const port = process.env.PORT'),
    ],
    [
      'the environment by another name',
      rules.environmentInTwoFiles,
      one('src/http/a.ts', "import { env } from 'node:process'"),
    ],
    [
      'the environment taken apart',
      rules.environmentInTwoFiles,
      one('src/http/a.ts', 'const { env } = process'),
    ],
    ['a long file', rules.length, one('src/http/a.ts', 'x\n'.repeat(401))],
    ['a barrel', rules.noBarrel, one('src/http/index.ts', '')],
    ['a file of helpers', rules.names, one('src/http/url-helpers.ts', '')],
    ['a folder of utils', rules.names, one('src/utils/url.ts', '')],
    ['a manager', rules.names, one('src/http/a.ts', ['class', 'KeyManager {}'].join(' '))],
    ['an I before an interface', rules.names, one('src/http/a.ts', ['interface', 'IKey {}'].join(' '))],
    ['the console', rules.noConsole, one('src/http/a.ts', "console.log('here')")],
    ['a test alone', rules.everyTestRuns, one('test/a.test.ts', ['it', 'only("x", () => {})'].join('.'))],
    [
      'a skipped suite',
      rules.everyTestRuns,
      one('test/a.test.ts', ['x', 'describe("x", () => {})'].join('')),
    ],
  ])('%s', (_name, rule, file) => {
    expect(rule(file)).toHaveLength(1)
  })

  it('a circle', () => {
    const files = [
      one('src/a/a.ts', "import { b } from '../b/b.ts'"),
      one('src/b/b.ts', "import { c } from './c.ts'"),
      one('src/b/c.ts', "import { a } from '../a/a.ts'"),
    ]
    expect(rules.circles(files)).toEqual(['src/a/a.ts → src/b/b.ts → src/b/c.ts → src/a/a.ts'])
  })

  it('and leaves alone what is allowed', () => {
    const fine = [
      one('src/db/tables.ts', "import type { A } from '../audit/tables.ts'"),
      one('src/oidc/a.ts', "import { Provider } from 'oidc-provider'\nimport { b } from '../keys/b.ts'"),
      one('src/http/a.ts', "// process.env, console.log\nconst a = 'base64url'"),
      one('views/a.tsx', "import type { A } from '../src/log.ts'\nimport { b } from './b.tsx'"),
      one('src/cli/a.ts', "const { start } = await import('../main.ts')\nconsole.log(start)"),
    ]
    for (const rule of [
      rules.arrows,
      rules.viewsStandAlone,
      rules.providerInOneRoom,
      rules.environmentInTwoFiles,
      rules.noConsole,
      rules.names,
    ])
      expect(complaints(fine, rule)).toEqual([])
  })
})
