// /admin/accounts: who may look, finding somebody, and what the buttons do.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Acme, csrfOf, startAcme } from '../developer/acme.ts'
import { parse } from '../support/html.ts'
import { accountIdOf } from '../support/minted.ts'
import { signedInAgent } from '../support/signed-in-agent.ts'

let acme: Acme
beforeAll(async () => {
  acme = await startAcme()
})
afterAll(() => acme.app.close())

const LIST = '/admin/accounts'
const pathOf = async (username: string) => `${LIST}/${await accountIdOf(acme.app.db, username)}`
const textOf = ({ text }: { text: string }) => parse(text).text

describe('looking', () => {
  it('is for administrators', async () => {
    const bob = await pathOf('bob')
    for (const path of [LIST, bob, `${bob}/disable`, `${bob}/delete`]) {
      expect((await acme.ada.get(path)).status).toBe(403)
      expect((await acme.app.agent().get(path)).status).toBe(303)
      expect((await acme.root.get(path)).status).toBe(200)
    }
    const csrf = await csrfOf(acme.ada)
    for (const action of ['disable', 'enable', 'delete'])
      expect((await acme.ada.post(`${bob}/${action}`, { csrf })).status).toBe(403)
    expect((await acme.root.get(`${LIST}/nobody`)).status).toBe(404)
  })

  it('finds by the beginning of a username', async () => {
    expect((await acme.root.get('/admin')).text).toContain(`href="${LIST}"`)
    const all = textOf(await acme.root.get(LIST))
    for (const username of ['ada', 'bob', 'root']) expect(all).toContain(username)
    const found = textOf(await acme.root.get(`${LIST}?username=BO`))
    expect([found.includes('bob@example.com'), found.includes('ada@example.com')]).toEqual([true, false])
    expect(textOf(await acme.root.get(`${LIST}?username=zzz`))).toContain('No accounts')
  })
})

describe('changing', () => {
  it('disables, which signs out at once, and enables', async () => {
    const vera = await pathOf('vera')
    expect((await acme.vera.get('/account')).status).toBe(200)
    const page = await acme.root.get(`${vera}/disable`)
    const answer = await acme.root.submit(page, {}, { button: 'Disable' })
    expect([answer.status, answer.location]).toEqual([303, acme.app.issuer + vera])
    expect((await acme.vera.get('/account')).status).toBe(303)
    const shown = await acme.root.get(vera)
    expect(textOf(shown)).toContain('This account is disabled')
    expect((await acme.root.submit(shown, {}, { button: 'Enable' })).status).toBe(303)
    expect((await acme.vera.get('/account')).status).toBe(303)
    expect((await (await signedInAgent(acme.app, 'vera')).get('/account')).status).toBe(200)
  })

  it('deletes', async () => {
    const dan = await pathOf('dan')
    const answer = await acme.root.submit(await acme.root.get(`${dan}/delete`), {}, { button: 'Delete' })
    expect([answer.status, answer.location]).toEqual([303, acme.app.issuer + LIST])
    expect((await acme.dan.get('/account')).status).toBe(303)
    expect((await acme.root.get(dan)).status).toBe(404)
  })

  it('leaves one’s own account alone', async () => {
    const own = await pathOf('root')
    const page = await acme.root.get(own)
    expect(textOf(page)).toContain('This is your own account')
    expect(parse(page.text).forms.map(({ action }) => action)).not.toContain(`${own}/disable`)
    const csrf = await csrfOf(acme.root)
    expect((await acme.root.post(`${own}/disable`, { csrf })).status).toBe(409)
    expect((await acme.root.get('/account')).status).toBe(200)
  })
})
