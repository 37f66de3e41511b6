// /v1/organizations: who belongs to one, and as what.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { made } from '../support/api-callers.ts'
import { refusal, startWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.app.close())

const idOf = async (username: string) => {
  const { data } = (await world.root.call('GET', '/v1/organizations/acme/members')).json() as {
    data: { username: string; account_id: string }[]
  }
  return data.find(member => member.username === username)?.account_id ?? 'nobody'
}

describe('organizations', () => {
  it('are those the caller acts on, with its role', async () => {
    const { data } = (await world.vic.call('GET', '/v1/organizations')).json()
    expect(data).toEqual([
      { id: 'acme', name: 'Acme', role: 'viewer', created_at: expect.stringMatching(/Z$/) },
    ])
    const all = (await world.root.call('GET', '/v1/organizations')).json() as { data: { id: string }[] }
    expect(all.data.map(({ id }) => id)).toEqual(['acme', 'other'])
    expect((await world.ci.call('GET', '/v1/organizations/acme')).json()).toMatchObject({ role: 'owner' })
  })

  it('others look like none', async () => {
    for (const path of [
      '/v1/organizations/other',
      '/v1/organizations/nowhere',
      '/v1/organizations/other/members',
    ])
      expect(refusal(await world.ada.call('GET', path))).toEqual({ status: 404, code: 'not_found' })
    expect((await world.ada.call('PATCH', '/v1/organizations/other', { name: 'Mine' })).status).toBe(404)
  })

  it('are made by administrators', async () => {
    const answer = await world.root.call('POST', '/v1/organizations', { id: 'new', name: 'New' })
    expect([answer.status, answer.headers.location]).toEqual([201, '/v1/organizations/new'])
    expect(refusal(await world.root.call('POST', '/v1/organizations', { id: 'acme', name: 'Mine' }))).toEqual(
      {
        status: 409,
        code: 'conflict',
        paths: ['id'],
      },
    )
    expect(refusal(await world.ada.call('POST', '/v1/organizations', { name: 'Mine' }))).toEqual({
      status: 403,
      code: 'access_denied',
    })
    expect(
      refusal(await world.root.call('POST', '/v1/organizations', { id: '../x', name: 'x' })),
    ).toMatchObject({
      paths: ['id'],
    })
  })

  it('are renamed by owners', async () => {
    expect(
      (await world.ada.call('PATCH', '/v1/organizations/acme', { name: 'Acme Ltd' })).json(),
    ).toMatchObject({
      name: 'Acme Ltd',
    })
    expect(refusal(await world.dev.call('PATCH', '/v1/organizations/acme', { name: 'x' }))).toMatchObject({
      status: 403,
    })
  })
})

describe('members', () => {
  it('come, change and go, and what their role gave goes at once', async () => {
    const path = '/v1/organizations/acme/members'
    const answer = await world.ada.call('POST', path, { account: 'Solo', role: 'developer' })
    const { account_id: id } = answer.json()
    expect([answer.status, answer.headers.location]).toEqual([201, `${path}/${id}`])
    await made(world.solo, '/v1/clients', { client_name: 'Mine', application_kind: 'service' })
    expect((await world.ada.call('PATCH', `${path}/${id}`, { role: 'viewer' })).json()).toMatchObject({
      username: 'solo',
      role: 'viewer',
    })
    expect(
      refusal(
        await world.solo.call('POST', '/v1/clients', { client_name: 'x', application_kind: 'service' }),
      ),
    ).toMatchObject({ status: 403 })
    expect((await world.solo.call('GET', '/v1/clients')).status).toBe(200)
    expect((await world.ada.call('DELETE', `${path}/${id}`)).status).toBe(204)
    expect((await world.solo.call('GET', '/v1/clients')).status).toBe(403)
    expect((await world.ada.call('GET', `${path}/${id}`)).status).toBe(404)
  })

  it.each([
    ['nobody', { account: 'no-such-person', role: 'viewer' }, 400, ['account']],
    ['U+FFFF', { account: '\uffff', role: 'viewer' }, 400, ['account']],
    ['an unknown role', { account: 'solo', role: 'admin' }, 400, ['role']],
    ['a member', { account: 'dev', role: 'viewer' }, 409, undefined],
  ])('refuses %s', async (_name, body, status, paths) => {
    const answer = await world.ada.call('POST', '/v1/organizations/acme/members', body)
    expect(refusal(answer)).toMatchObject({ status, ...(paths && { paths }) })
  })

  it('the last owner stays, also when two go at once', async () => {
    const path = '/v1/organizations/acme/members'
    const ada = await idOf('ada')
    expect(refusal(await world.ada.call('DELETE', `${path}/${ada}`))).toEqual({
      status: 409,
      code: 'conflict',
    })
    expect(refusal(await world.ada.call('PATCH', `${path}/${ada}`, { role: 'viewer' }))).toMatchObject({
      status: 409,
    })
    const dev = await idOf('dev')
    await world.ada.call('PATCH', `${path}/${dev}`, { role: 'owner' })
    const answers = await Promise.all([
      world.ada.call('PATCH', `${path}/${dev}`, { role: 'developer' }),
      world.dev.call('PATCH', `${path}/${ada}`, { role: 'developer' }),
    ])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403])
    await world.root.call('PATCH', `${path}/${ada}`, { role: 'owner' })
    await world.root.call('PATCH', `${path}/${dev}`, { role: 'developer' })
  })

  it('are changed by owners only', async () => {
    for (const who of [world.dev, world.vic])
      expect(
        (await who.call('POST', '/v1/organizations/acme/members', { account: 'mallory', role: 'owner' }))
          .status,
      ).toBe(403)
  })
})
