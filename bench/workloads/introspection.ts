import { form } from '../load.ts'
import type { Workload } from '../measure.ts'
import { clientToken, mintKeys, mintPersonalTokens } from '../minted.ts'
import { CLIENT_SECRET, RESOURCE, type Setting } from '../setting.ts'
import { besideHello } from './beside-hello.ts'
import { expectJson } from './expect.ts'

/** As the server of the audience asks about tokens that it is shown again and again. */
function introspection(what: string, tokens: (setting: Setting) => Promise<string[]>): Workload {
  return {
    name: `introspection of ${what}, warm`,
    budgets: { hello: 0.35 },
    async prepare(setting) {
      const { ours, host } = setting
      const requests = (await tokens(setting)).map(token =>
        form('/introspect', host, `bench-1:${CLIENT_SECRET}`, { token }),
      )
      const check = expectJson('introspection', body => body.active === true && body.scope === 'read:bench')
      return besideHello(setting, { server: ours, requests, check })
    },
  }
}

export const introspectionOfJwt = introspection('a JWT', async setting => [
  await clientToken(setting, { resource: RESOURCE }),
])
export const introspectionOfKeys = introspection('API keys', setting => mintKeys(setting, 100))
export const introspectionOfPersonalTokens = introspection('personal tokens', setting =>
  mintPersonalTokens(setting, 100),
)
