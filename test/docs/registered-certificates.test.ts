// docs/registered-certificates.md: its examples are run, in order, by curl over our own port for TLS.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { clientToken } from '../support/api-callers.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'
import { runCommand } from '../support/run-command.ts'
import { SERVERS, startTlsApp, type TlsApp } from '../support/tls-app.ts'

const page = readFileSync(
  fileURLToPath(new URL('../../docs/registered-certificates.md', import.meta.url)),
  'utf8',
)
const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)

const ci = {
  client_id: 'ci',
  client_secret: 'ci-secret-for-tests-only-0123456789abcdef',
  organization: 'acme',
  grant_types: ['client_credentials'],
}

let tls: TlsApp
let folder: string
let token: string
beforeAll(async () => {
  tls = await startTlsApp([SERVERS], ordersFile)
  const { app } = tls
  const ceiling = { [`${app.issuer}/v1`]: ['keys:read', 'keys:write'], [ORDERS]: ['read:orders'] }
  await app.apply({ clients: [{ ...ci, resource_scopes: ceiling }] })
  folder = mkdtempSync(join(tmpdir(), 'latchkey-docs-'))
  writeFileSync(join(folder, 'servers.pem'), SERVERS.cert)
  const caller = await clientToken(app, ci)
  token = caller.headers.authorization?.replace('Bearer ', '') ?? ''
})
afterAll(async () => {
  await tls.close()
  rmSync(folder, { recursive: true, force: true })
})

async function run(block: string): Promise<Record<string, unknown>> {
  const env = {
    // The Node that runs this, as `node`.
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    ISSUER: tls.app.issuer,
    MTLS: tls.origin,
    TOKEN: token,
    CURL_CA_BUNDLE: join(folder, 'servers.pem'),
  }
  return JSON.parse(await runCommand('sh', ['-ec', block], { cwd: folder, env }))
}

/** What each example answers, in the order of the page. */
const answers: object[] = [
  { client_id: 'ci', status: 'active', about: { subject: 'CN=import', names: [] } },
  { kind: 'client-certificate', client_id: 'ci', scopes: ['read:orders'] },
  { san: { dns: 'import.example.com' }, about: { subject: 'CN=Machines' } },
  { kind: 'client-certificate', client_id: 'ci', scopes: ['read:orders'] },
  { kind: 'api-key', cnf: { 'x5t#S256': expect.stringMatching(/^[\w-]{43}$/) } },
]

it('the examples are as many as their answers', () => {
  expect(blocks).toHaveLength(answers.length)
})

it.each(blocks.map((block, index) => ({ index, block, first: block.split('\n')[0] })))(
  '$index: $first',
  async ({ index, block }) => {
    expect(await run(block)).toMatchObject(answers[index] ?? {})
  },
)

it('without the certificate, and with another, each of them is refused', async () => {
  const [, self = '', , byName = '', bound = ''] = blocks
  const plain = self.replace('--cert cert.pem --key key.pem', '')
  expect(await run(plain)).toMatchObject({ status: 401, code: 'unauthenticated' })
  const unbound = `${bound.split('\n').at(-2)}`.replace('--cert cert.pem --key key.pem', '')
  const readKey = bound.split('\n').find(line => line.startsWith('KEY='))
  expect(await run(`${readKey}\n${unbound}`)).toMatchObject({ status: 401, code: 'invalid_token' })
  const elsewhere = byName.replaceAll('import.example.com', 'export.example.com')
  expect(await run(elsewhere)).toMatchObject({ status: 401, code: 'invalid_token' })
})
