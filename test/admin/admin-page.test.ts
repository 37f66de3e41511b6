import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { version } from '../../src/version.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { ordersFile, PASSWORD } from '../support/orders.ts'

describe('the administration page', () => {
  let app: TestApp
  beforeAll(async () => {
    const root = { username: 'root', name: 'Root', password: PASSWORD, admin: true }
    app = await startApp({}, { ...ordersFile, accounts: [...ordersFile.accounts, root] })
  })
  afterAll(() => app.close())

  async function signedIn(username: string) {
    const agent = app.agent()
    const answer = await agent.submit(
      await agent.get('/sign-in'),
      { username, password: PASSWORD },
      { button: 'Sign in' },
    )
    expect(answer.status).toBe(303)
    return agent
  }

  it('asks who you are first', async () => {
    const answer = await app.agent().get('/admin')
    expect(answer.status).toBe(303)
    expect(answer.location).toBe(`${app.issuer}/sign-in?return_to=%2Fadmin`)
  })

  it('is for administrators', async () => {
    const agent = await signedIn('ada')
    const answer = await agent.get('/admin')
    expect(answer.status).toBe(403)
    expect(answer.text).toContain('administrators')
    expect(answer.text).not.toContain('orders-web')
  })

  it('shows clients, resources and health', async () => {
    const agent = await signedIn('root')
    const { status, text, headers } = await agent.get('/admin')
    expect(status).toBe(200)
    for (const shown of [
      'orders-web',
      'billing',
      'https://api.example.com',
      'read:orders',
      'Acme',
      `Version ${version}`,
    ])
      expect(text).toContain(shown)
    expect(text).not.toContain('Not working')
    expect(headers.get('cache-control')).toContain('no-store')
  })

  it('is closed at once when the account is no administrator any more, or disabled', async () => {
    const agent = await signedIn('root')
    expect((await agent.get('/admin')).status).toBe(200)
    const set = (values: { admin?: boolean; disabled_at?: Date | null }) =>
      app.db.updateTable('account').set(values).where('username', '=', 'root').execute()
    await set({ admin: false })
    expect((await agent.get('/admin')).status).toBe(403)
    await set({ admin: true, disabled_at: new Date() })
    expect((await agent.get('/admin')).status).toBe(303)
    await set({ disabled_at: null })
  })
})
