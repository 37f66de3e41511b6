// The declarative file may name our own API from the first start on.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { bearer } from '../support/api-callers.ts'
import { protocolPost } from '../support/authorization.ts'
import { migratedDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { startLatchkey } from '../support/latchkey.ts'
import { ci } from './world.ts'

it('a client of the file has scopes there at the first start', async () => {
  const database = await migratedDatabase()
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-file-'))
  try {
    const port = await freePort()
    const own = `http://localhost:${port}/v1`
    const file = join(folder, 'latchkey.json')
    const organizations = [{ id: 'acme', name: 'Acme' }]
    const clients = [{ ...ci, organization: 'acme', resource_scopes: { [own]: ['organizations:read'] } }]
    writeFileSync(file, JSON.stringify({ organizations, clients }))
    const server = await startLatchkey({
      PORT: String(port),
      DATABASE_URL: database.url,
      DATA_DIR: folder,
      LATCHKEY_CONFIG: file,
    })
    try {
      const issuer = server.said('issuer') ?? ''
      const { body } = await protocolPost(issuer, '/token', ci, { grant_type: 'client_credentials' })
      const answer = await bearer({ issuer }, body.access_token ?? '').call('GET', '/v1/organizations')
      expect(answer.json()).toMatchObject({ data: [{ id: 'acme' }] })
    } finally {
      await server.end()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
    await database.close()
  }
})
