// What the package gives to others: built, with declarations, and under its name.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, it } from '@jest/globals'
import { latchkey } from '../support/latchkey.ts'
import { runCommand } from '../support/run-command.ts'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

beforeAll(async () => {
  expect((await latchkey(['--version']).finished).code).toBe(0)
})

it('is there, with its declarations', () => {
  const { types } = exports['./protected-resource']
  const declarations = readFileSync(join(root, types), 'utf8')
  expect(declarations).toContain('export declare function protectedResourceMetadata(')
  // It stands alone.
  expect(declarations).not.toMatch(/^import/m)
})

it('is imported by its name', async () => {
  const script = `import * as all from 'latchkey/protected-resource'; process.stdout.write(Object.keys(all).join(' '))`
  const printed = await runCommand(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    env: process.env,
  })
  expect(printed).toBe(
    'bearerChallenge canHaveMetadata protectedResourceMetadata protectedResourceMetadataUrl',
  )
})

const entries = ['verifier', 'verifier/koa', 'verifier/express', 'verifier/fastify']

it.each<[string, string]>([
  ['verifier', 'Refusal Unavailable createVerifier nodeRequest'],
  ['verifier/koa', 'identityOf requires'],
  ['verifier/express', 'identityOf requires'],
  ['verifier/fastify', 'identityOf requires'],
])('latchkey/%s is imported by its name', async (name, expected) => {
  const script = `import * as all from 'latchkey/${name}'; process.stdout.write(Object.keys(all).join(' '))`
  const args = ['--input-type=module', '-e', script]
  expect(await runCommand(process.execPath, args, { cwd: root, env: process.env })).toBe(expected)
})

it('the declarations of the verifier ask for no package but Node', () => {
  const seen = new Set<string>()
  const visit = (path: string): string[] => {
    if (seen.has(path)) return []
    seen.add(path)
    const found = [...readFileSync(path, 'utf8').matchAll(/(?:from|import\() ?'([^']+)'/g)].map(
      ([, to = '']) => to,
    )
    return found.flatMap(to =>
      to.startsWith('.') ? visit(join(dirname(path), to.replace(/\.[jt]s$/, '.d.ts'))) : [to],
    )
  }
  const asked = entries.flatMap(name => visit(join(root, exports[`./${name}`].types)))
  expect(asked.filter(name => !name.startsWith('node:'))).toEqual([])
  expect(seen.size).toBeGreaterThan(entries.length)
})
