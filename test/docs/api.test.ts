// docs/api.md: its examples are run, in order, as somebody would paste them.
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { cli, OWN_SCOPES, startWorld, type World } from '../developer/world.ts'
import { personToken } from '../support/api-callers.ts'
import { runCommand } from '../support/run-command.ts'

const page = readFileSync(fileURLToPath(new URL('../../docs/api.md', import.meta.url)), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, block = '']) => block,
  )

let world: World
let folder: string
let token: string
beforeAll(async () => {
  world = await startWorld()
  const ceiling = { [world.own]: [...OWN_SCOPES, 'revoke'] }
  await world.app.apply({ clients: [{ ...cli, organization: 'acme', resource_scopes: ceiling }] })
  folder = mkdtempSync(join(tmpdir(), 'latchkey-docs-'))
  await provideCurl()
  const caller = await personToken(
    world.app,
    cli,
    'ada',
    'clients:read clients:write keys:write resources:write revoke',
  )
  token = caller.headers.authorization?.replace('Bearer ', '') ?? ''
})
afterAll(async () => {
  await world.app.close()
  rmSync(folder, { recursive: true, force: true })
})

const STAND_IN = fileURLToPath(new URL('../support/curl.mjs', import.meta.url))

/** The system's curl where it knows `--json`. */
async function provideCurl(): Promise<void> {
  try {
    const help = await runCommand('curl', ['--help', 'all'], { cwd: folder, env: process.env })
    if (help.includes('--json')) return
  } catch {
    // There is none.
  }
  copyFileSync(STAND_IN, join(folder, 'curl'))
  chmodSync(join(folder, 'curl'), 0o755)
}

async function run(block: string): Promise<Record<string, unknown>> {
  const env = {
    // The Node that runs this, as `node`.
    PATH: `${folder}:${dirname(process.execPath)}:${process.env.PATH}`,
    ISSUER: world.app.issuer,
    TOKEN: token,
  }
  const output = await runCommand('sh', ['-ec', block], { cwd: folder, env })
  return JSON.parse(output)
}

/** What each example answers, in the order of the page. */
const answers: object[] = [
  { identifier: 'https://api.shop.example', organization: 'acme' },
  { access_token_lifetime: 300, scopes: { 'read:shop': {}, 'write:shop': {} } },
  { application_kind: 'service', secret: expect.any(String) },
  { secret: expect.any(String), expires_at: null },
  { rate_limit: { requests: 600, seconds: 60 }, secret: expect.stringMatching(/^lk_live_key_/) },
  { status: 'active', secret: expect.stringMatching(/^lk_live_key_/) },
  { revoked: 1, nodes: { live: 1, acknowledged: 1 } },
  { matched: { 'client-tokens': 1 }, plan: expect.any(String) },
  { revoked: 1, by_kind: { 'client-tokens': 1 }, nodes: { live: 1, acknowledged: 1 } },
  { data: expect.any(Array), next_cursor: null },
  { code: 'validation_failed' },
]

describe('the examples', () => {
  it('are as many as their answers', () => {
    expect(blocks('sh')).toHaveLength(answers.length)
  })

  it.each(blocks('sh').map((block, index) => ({ index, block, first: block.split('\n')[0] })))(
    '$index: $first',
    async ({ index, block }) => {
      expect(await run(block)).toMatchObject(answers[index] ?? {})
    },
  )

  it('the answers on the page have the shape of those that came', async () => {
    const [revoked, problem] = blocks('json').map(block => JSON.parse(block) as Record<string, unknown>)
    expect(Object.keys(revoked ?? {})).toEqual(['revoked', 'position', 'nodes', 'took_ms'])
    const { request_id: id, ...said } = await run(blocks('sh').at(-1) ?? '')
    const { request_id: _example, ...expected } = problem ?? {}
    expect(said).toEqual(expected)
    expect(id).toEqual(expect.any(String))
  })
})
