import { json, openConnection } from '../load.ts'
import { mintKeys, mintPersonalTokens, verifierToken } from '../minted.ts'
import { RESOURCE, type Setting } from '../setting.ts'
import type { Finding, Observation } from './observation.ts'

const OWNERS = 100

/** What a credential costs that a node has never seen, of an owner that it does not know: how many statements. */
export const coldVerification: Observation = {
  name: '/v1/verify, cold',
  async observe(setting) {
    return [
      ...(await statements(setting, 'API key', await mintKeys(setting, OWNERS))),
      ...(await statements(setting, 'personal token', await mintPersonalTokens(setting, OWNERS))),
    ]
  },
}

async function statements(setting: Setting, what: string, tokens: readonly string[]): Promise<Finding[]> {
  const { second, host } = setting
  const caller = await verifierToken(setting)
  const connection = openConnection(second.port)
  const count = async (credential: string) => {
    const question = { credential, resource: RESOURCE, scopes: ['read:bench'] }
    const { head, body } = await connection.ask(json('/v1/verify', host, caller, question))
    if (!JSON.parse(body).allowed) throw new Error(`refused: ${body}`)
    return Number(/^x-bench-statements: (\d+)/im.exec(head)?.[1])
  }
  // The caller itself is known after the first request.
  const [known = '', ...unknown] = tokens
  await count(known)
  const cold: number[] = []
  const warm: number[] = []
  for (const token of unknown) {
    cold.push(await count(token))
    warm.push(await count(token))
  }
  connection.close()
  return [
    {
      what: `${what}: statements when cold`,
      value: spread(cold),
      budget: '1',
      holds: cold.every(one => one === 1),
    },
    {
      what: `${what}: statements when warm`,
      value: spread(warm),
      budget: '0',
      holds: warm.every(one => one === 0),
    },
  ]
}

/** All that occurred, such as `1` or `1–2`. */
function spread(counts: readonly number[]): string {
  const [least, most] = [Math.min(...counts), Math.max(...counts)]
  return least === most ? String(least) : `${least}–${most}`
}
