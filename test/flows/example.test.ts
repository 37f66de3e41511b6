// The example application and the example file, used together as the README says.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from '@jest/globals'
import { parse as parseYaml } from 'yaml'
import { startApp } from '../support/app.ts'
import { freePort } from '../support/free-port.ts'
import { PASSWORD } from '../support/orders.ts'
import { runNode } from '../support/process.ts'

const example = (name: string) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url))

it('the example application signs the example person in', async () => {
  const port = String(await freePort())
  const file = parseYaml(readFileSync(example('latchkey.yaml'), 'utf8').replaceAll(':8080/', `:${port}/`))
  const app = await startApp({}, file)
  const party = runNode([example('orders-web.mjs')], {
    env: { ...process.env, ISSUER: app.issuer, PORT: port },
  })
  try {
    await party.printed(/^open /)
    const begin = await fetch(`http://127.0.0.1:${port}/`, { redirect: 'manual' })
    const agent = app.agent()
    const signInPage = await agent.follow(await agent.get(begin.headers.get('location') ?? ''))
    const ada = { username: 'ada', password: PASSWORD }
    const consent = await agent.follow(await agent.submit(signInPage, ada))
    const scope = ['openid', 'profile', 'read:orders']
    const answer = await agent.submit(consent, { scope, decision: 'allow' }, { button: 'Allow' })
    const back = await agent.follow(answer)
    expect(back.location).toMatch(`http://127.0.0.1:${port}/callback?code=`)
    const result = await (await fetch(back.location ?? '')).json()
    expect(result).toMatchObject({
      scope: 'read:orders',
      token_type: 'bearer',
      id_token_claims: { iss: app.issuer, aud: 'orders-web' },
      access_token: expect.stringMatching(/^eyJ/),
      refresh_token: expect.any(String),
    })
  } finally {
    party.process.kill('SIGTERM')
    await party.finished
    await app.close()
  }
})
