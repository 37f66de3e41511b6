import { json } from '../load.ts'
import type { Workload } from '../measure.ts'
import { mintKeys, mintPersonalTokens, verifierToken } from '../minted.ts'
import { RESOURCE, type Setting } from '../setting.ts'
import { besideHello } from './beside-hello.ts'
import { expectJson } from './expect.ts'

/** As a resource server asks about callers that come again and again, with an access token of its own. */
function verification(what: string, kind: string, tokens: (setting: Setting) => Promise<string[]>): Workload {
  return {
    name: `/v1/verify of ${what}, warm`,
    budgets: { hello: 0.35 },
    async prepare(setting) {
      const { ours, host } = setting
      const caller = await verifierToken(setting)
      const requests = (await tokens(setting)).map(credential =>
        json('/v1/verify', host, caller, { credential, resource: RESOURCE, scopes: ['read:bench'] }),
      )
      const check = expectJson('verify', ({ allowed, identity }) => {
        const { kind: found, scopes } = (identity ?? {}) as { kind?: string; scopes?: string[] }
        return allowed === true && found === kind && scopes?.join(' ') === 'read:bench'
      })
      return besideHello(setting, { server: ours, requests, check })
    },
  }
}

export const verifyOfKeys = verification('API keys', 'api-key', setting => mintKeys(setting, 100))
export const verifyOfPersonalTokens = verification('personal tokens', 'personal-access-token', setting =>
  mintPersonalTokens(setting, 100),
)
