import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { runNode } from '../support/process.ts'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))

let checkout: string

// A checkout of one file: the command prints the answer.
beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'latchkey-build-'))
  for (const name of ['bin', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json']) {
    cpSync(join(CHECKOUT, name), join(checkout, name), { recursive: true })
  }
  symlinkSync(join(CHECKOUT, 'node_modules'), join(checkout, 'node_modules'))
  write('package.json', '{ "type": "module" }')
  write('src/answer.ts', 'export const answer: number = 1\n')
  write(
    'src/cli/latchkey.ts',
    `import { answer } from '../answer.ts'\nconsole.log(answer, process.argv.slice(2))\n`,
  )
})

afterEach(() => rmSync(checkout, { recursive: true }))

function write(path: string, content: string): void {
  mkdirSync(dirname(join(checkout, path)), { recursive: true })
  writeFileSync(join(checkout, path), content)
}

function latchkey(...args: string[]) {
  return runNode([join(checkout, 'bin', 'latchkey.mjs'), ...args]).finished
}

test('builds before the first command and after a change, and says nothing on standard output', async () => {
  expect(await latchkey('a')).toMatchObject({ code: 0, stdout: "1 [ 'a' ]\n", stderr: '' })
  write('src/answer.ts', 'export const answer: number = 22\n')
  expect(await latchkey()).toMatchObject({ code: 0, stdout: '22 []\n', stderr: '' })
})

test('does not build again without a change', async () => {
  await latchkey()
  write('dist/src/answer.js', 'export const answer = 5')
  expect(await latchkey()).toMatchObject({ code: 0, stdout: '5 []\n' })
})

test('a source that does not compile: its error on standard error, exit code 1, nothing is run', async () => {
  write('src/answer.ts', `export const answer: number = 'one'\n`)
  const { code, stdout, stderr } = await latchkey()
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain('src/answer.ts')
  write('src/answer.ts', 'export const answer: number = 3\n')
  expect(await latchkey()).toMatchObject({ code: 0, stdout: '3 []\n' })
})

test('what was built from a file that is gone, is gone', async () => {
  write('migrations/first.ts', 'export const up = 1\n')
  write('views/style.css', 'p { margin: 0 }\n')
  await latchkey()
  expect(existsSync(join(checkout, 'dist/migrations/first.js'))).toBe(true)
  expect(existsSync(join(checkout, 'dist/views/style.css'))).toBe(true)
  rmSync(join(checkout, 'migrations/first.ts'))
  rmSync(join(checkout, 'views/style.css'))
  await latchkey()
  expect(existsSync(join(checkout, 'dist/migrations/first.js'))).toBe(false)
  expect(existsSync(join(checkout, 'dist/views/style.css'))).toBe(false)
})

test('commands that start at once build once, also when an earlier build was killed', async () => {
  mkdirSync(join(checkout, 'dist'))
  symlinkSync('4194305', join(checkout, 'dist/.building'))
  const results = await Promise.all([latchkey(), latchkey(), latchkey()])
  for (const result of results) expect(result).toMatchObject({ code: 0, stdout: '1 []\n', stderr: '' })
  expect(existsSync(join(checkout, 'dist/.building'))).toBe(false)
})

test('runs a release that has no sources', async () => {
  await latchkey()
  rmSync(join(checkout, 'src'), { recursive: true })
  rmSync(join(checkout, 'node_modules'))
  expect(await latchkey()).toMatchObject({ code: 0, stdout: '1 []\n' })
})
