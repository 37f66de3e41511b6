import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { prepareAdminLink } from '../../src/admin/admin-link.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { PASSWORD } from '../support/orders.ts'

const person = { username: 'grace', name: 'Grace Hopper', email: 'grace@example.com', password: PASSWORD }

describe('the first administrator', () => {
  let app: TestApp
  beforeEach(async () => {
    app = await startApp()
  })
  afterEach(() => app.close())

  async function newLink(): Promise<string> {
    const link = await prepareAdminLink(app.db, app.keyring)
    if (link === undefined) throw new Error('no link')
    return link
  }
  const admins = () => app.db.selectFrom('account').select('username').where('admin', '=', true).execute()

  it('is made through the link, once, and is signed in', async () => {
    const link = await newLink()
    const agent = app.agent()
    await agent.get(link)
    const page = await agent.get(link) // looking uses nothing up
    expect(page.status).toBe(200)
    expect(page.text).toContain('Make the first administrator')
    const answer = await agent.submit(page, person)
    expect(answer.status).toBe(303)
    expect(answer.location).toBe(`${app.issuer}/admin`)
    const overview = await agent.follow(answer)
    expect(overview.status).toBe(200)
    expect(overview.text).toContain('Administration')
    expect(await admins()).toEqual([{ username: 'grace' }])

    expect((await agent.get(link)).status).toBe(410)
    const again = await agent.submit(page, { ...person, username: 'mallory' })
    expect(again.status).toBe(410)
    expect(await prepareAdminLink(app.db, app.keyring)).toBeUndefined()
    const events = await app.db.selectFrom('audit_event').select(['type', 'outcome']).execute()
    expect(events).toContainEqual({ type: 'first_admin_created', outcome: 'success' })
  })

  it('is one, however many post at once', async () => {
    const link = await newLink()
    const agents = Array.from({ length: 20 }, () => app.agent())
    const pages = await Promise.all(agents.map(agent => agent.get(link)))
    const answers = await Promise.all(
      pages.map((page, index) => agents[index]?.submit(page, { ...person, username: `grace${index}` })),
    )
    const statuses = answers.map(answer => answer?.status)
    expect(statuses.filter(status => status === 303)).toHaveLength(1)
    // Too many passwords at once are told to come again.
    expect(statuses.every(status => status === 303 || status === 410 || status === 503)).toBe(true)
    expect(await admins()).toHaveLength(1)
  })

  it('is one, also through the links of two nodes that started together', async () => {
    const links = [await newLink(), await newLink()]
    expect((await app.agent().get(links[0] ?? '')).status).toBe(404) // replaced
    // As if both had been written at the same moment: put a second one beside it.
    const [open] = await app.db.selectFrom('admin_link').selectAll().execute()
    const third = await newLink()
    if (open) await app.db.insertInto('admin_link').values(open).execute()
    const both = [links[1] ?? '', third]
    const statuses = await Promise.all(
      both.map(async (link, index) => {
        const agent = app.agent()
        return (await agent.submit(await agent.get(link), { ...person, username: `grace${index}` })).status
      }),
    )
    expect(statuses.sort()).toEqual([303, 410])
    expect(await admins()).toHaveLength(1)
  })

  it('follows the rules of signing up, and a refusal leaves the link open', async () => {
    const link = await newLink()
    const agent = app.agent()
    const page = await agent.get(link)
    const refused = await agent.submit(page, { ...person, password: 'short', email: 'nope' })
    expect(refused.status).toBe(422)
    expect(refused.text).toContain('Use at least 8 characters.')
    expect(refused.text).not.toContain('"short"')
    expect((await agent.submit(refused, person)).status).toBe(303)
  })

  it('does not take a username that is taken', async () => {
    await app.apply({ accounts: [{ username: 'grace', password: PASSWORD }] })
    const agent = app.agent()
    const page = await agent.get(await newLink())
    const refused = await agent.submit(page, person)
    expect(refused.status).toBe(422)
    expect(refused.text).toContain('This username is taken')
    expect((await agent.submit(refused, { ...person, username: 'hopper' })).status).toBe(303)
    expect(await admins()).toEqual([{ username: 'hopper' }])
  })

  it('cannot be made with an unknown, expired or late link, or from another site', async () => {
    const link = await newLink()
    const agent = app.agent()
    const page = await agent.get(link)
    const { searchParams } = new URL(link, app.issuer)
    for (const query of ['', '?token=', '?token=x', `?token=a&token=${searchParams.get('token')}`])
      expect((await agent.get(`/admin/first-account${query}`)).status).toBe(404)
    expect((await agent.get('/admin/first-account?token=%00')).status).toBe(400)
    expect((await agent.submit(page, { ...person, token: 'x' })).status).toBe(404)
    const foreign = await agent.post('/admin/first-account', person, { 'sec-fetch-site': 'cross-site' })
    expect(foreign.status).toBe(403)

    await app.db
      .updateTable('admin_link')
      .set({ expires_at: new Date(Date.now() - 1000) })
      .execute()
    expect((await agent.get(link)).status).toBe(410)
    expect((await agent.submit(page, person)).status).toBe(410)

    const late = await newLink()
    const latePage = await agent.get(late)
    await app.apply({ accounts: [{ username: 'root', password: PASSWORD, admin: true }] })
    expect((await agent.get(late)).status).toBe(410)
    expect((await agent.submit(latePage, person)).status).toBe(410)
    expect(await admins()).toEqual([{ username: 'root' }])
  })

  it('leaves the token in no log line and no table', async () => {
    const link = await newLink()
    const token = new URL(link, app.issuer).searchParams.get('token') ?? ''
    const agent = app.agent()
    await agent.submit(await agent.get(link), person)
    expect(app.logLines.length).toBeGreaterThan(0)
    expect(app.logLines.join('\n')).not.toContain(token)
    const rows = await app.db.selectFrom('admin_link').selectAll().execute()
    expect(rows).toHaveLength(1)
    expect(rows[0]?.token_hash.toString('base64url')).not.toBe(token)
  })
})
