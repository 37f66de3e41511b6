// Who disables a client, and who enables it again: what an administrator has disabled is not a developer's to open.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { type Caller, made } from '../support/api-callers.ts'
import { protocolPost } from '../support/authorization.ts'
import { parse } from '../support/html.ts'
import { ORDERS } from '../support/orders.ts'
import { signedInAgent } from '../support/signed-in-agent.ts'
import { startWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.app.close())

interface OneClient {
  readonly id: string
  readonly path: string
  /** The status of asking for a token. */
  token(): Promise<number>
}

async function newService({ app, dev }: World = world): Promise<OneClient> {
  const client = await made(dev, '/v1/clients', {
    client_name: 'Nightly',
    application_kind: 'service',
    resource_scopes: { [ORDERS]: ['read:orders'] },
  })
  const own = { client_id: String(client.client_id), client_secret: String(client.secret) }
  const asked = { grant_type: 'client_credentials', resource: ORDERS }
  return {
    id: own.client_id,
    path: `/v1/clients/${own.client_id}`,
    token: async () => (await protocolPost(app.issuer, '/token', own, asked)).status,
  }
}

const set = (who: Caller, { path }: OneClient, disabled: boolean) => who.call('PATCH', path, { disabled })

const REFUSED = {
  code: 'access_denied',
  detail: 'An administrator disabled this client. Only an administrator enables it again.',
}

describe('a client that an administrator has disabled', () => {
  it.each(['dev', 'ada', 'ci'] as const)('is not enabled by %s, whatever else is sent', async name => {
    const service = await newService()
    expect((await set(world.root, service, true)).json()).toMatchObject({
      disabled: true,
      disabled_by: 'administrator',
    })
    const who = world[name]
    const alone = await set(who, service, false)
    expect([alone.status, alone.json()]).toEqual([403, expect.objectContaining(REFUSED)])
    const among = await who.call('PATCH', service.path, { client_name: 'Other', disabled: false })
    expect(among.status).toBe(403)
    expect((await who.call('GET', service.path)).json()).toMatchObject({
      client_name: 'Nightly',
      disabled: true,
      disabled_by: 'administrator',
    })
    expect(await service.token()).toBe(401)
  })

  it('stays theirs when somebody of the organization disables it once more, or changes it', async () => {
    const service = await newService()
    await set(world.root, service, true)
    expect((await set(world.ada, service, true)).json()).toMatchObject({ disabled_by: 'administrator' })
    const renamed = await world.dev.call('PATCH', service.path, { client_name: 'Other' })
    expect(renamed.json()).toMatchObject({ client_name: 'Other', disabled_by: 'administrator' })
    expect((await set(world.ada, service, false)).status).toBe(403)
  })

  it('is enabled by an administrator, and then the organization is free again', async () => {
    const service = await newService()
    await set(world.root, service, true)
    expect((await set(world.root, service, false)).json()).toMatchObject({
      disabled: false,
      disabled_by: null,
    })
    expect(await service.token()).toBe(200)
    expect((await set(world.dev, service, false)).status).toBe(200)
    expect((await set(world.dev, service, true)).json()).toMatchObject({ disabled_by: 'organization' })
    expect((await set(world.ada, service, false)).json()).toMatchObject({ disabled: false })
    expect(await service.token()).toBe(200)
  })

  it('was perhaps disabled by the organization before: it is the administrator’s from then on', async () => {
    const service = await newService()
    await set(world.dev, service, true)
    await set(world.root, service, true)
    expect((await set(world.dev, service, false)).status).toBe(403)
  })

  it('as one of which nobody knows who disabled it', async () => {
    const service = await newService()
    await set(world.dev, service, true)
    const { db } = world.app
    await db.updateTable('client').set({ disabled_by: null }).where('client_id', '=', service.id).execute()
    expect((await set(world.dev, service, false)).status).toBe(403)
    expect((await set(world.root, service, false)).status).toBe(200)
  })

  it('has no button for the others, and the form of one is refused with the reason', async () => {
    const service = await newService()
    const page = `/clients/${service.id}`
    const dev = await signedInAgent(world.app, 'dev')
    await set(world.dev, service, true)
    const open = await dev.get(page)
    expect(parse(open.text).text).not.toContain('An administrator disabled it')
    await set(world.root, service, true)
    const refused = await dev.submit(open, {}, { button: 'Enable' })
    expect([refused.status, parse(refused.text).text]).toEqual([403, expect.stringContaining(REFUSED.detail)])
    const shut = await dev.get(page)
    expect(parse(shut.text).text).toContain('Only an administrator enables it again.')
    expect(shut.text).not.toContain(`${page}/enable`)
    expect(await service.token()).toBe(401)
    const root = await signedInAgent(world.app, 'root')
    await root.submit(await root.get(page), {}, { button: 'Enable' })
    expect(await service.token()).toBe(200)
  })
})

it('the audit has who tried', async () => {
  const other = await startWorld()
  const service = await newService(other)
  await set(other.root, service, true)
  await set(other.dev, service, false)
  // What is refused is written in batches, the last one at the end.
  await other.app.app.stop()
  const { rows: tried } = await sql`
    SELECT type, outcome, username, organization_id, detail
    FROM audit_event JOIN account ON account.id::text = actor_id
    WHERE client_id = ${service.id} AND outcome = 'refused'
  `.execute(other.app.db)
  expect(tried).toEqual([
    {
      type: 'client_enabled',
      outcome: 'refused',
      username: 'dev',
      organization_id: 'acme',
      detail: { reason: 'an administrator disabled it' },
    },
  ])
  await other.app.close()
})
