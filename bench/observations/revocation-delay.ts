import { json, openConnection, request } from '../load.ts'
import { mintKeys, verifierToken } from '../minted.ts'
import { RESOURCE } from '../setting.ts'
import type { Observation } from './observation.ts'

const KEYS = Number(process.env.BENCH_REVOCATIONS ?? 200)
/** Tries of each key after it was refused for the first time: 100,000 altogether. */
const TRIES = 500
const CONNECTIONS = 8

/**
 * Keys that are hot on the second node end on the first one, without `?wait=all`. How long from the answer to that until
 * the second refuses them, and does it ever take one again?
 */
export const revocationDelay: Observation = {
  name: 'revocation on another node, without wait',
  async observe(setting) {
    const { ours, second, host } = setting
    const caller = await verifierToken(setting)
    const keys = await mintKeys(setting, KEYS)
    const ask = (credential: string) => json('/v1/verify', host, caller, { credential, resource: RESOURCE })
    const first = openConnection(ours.port)
    const connections = Array.from({ length: CONNECTIONS }, () => openConnection(second.port))
    const [watching = openConnection(second.port)] = connections
    const isTaken = async (key: string, connection = watching) => {
      const { status, body } = await connection.ask(ask(key))
      if (status !== 200) throw new Error(`${status} ${body}`)
      return JSON.parse(body).allowed === true
    }

    const delays: number[] = []
    let stale = 0
    for (const key of keys) {
      for (const connection of connections)
        if (!(await isTaken(key, connection))) throw new Error('a new key is refused')
      const headers = { authorization: `Bearer ${key}` }
      const { status } = await first.ask(request('DELETE', '/v1/credentials/self', { host, headers }))
      if (status !== 204) throw new Error(`not revoked but ${status}`)
      const revokedAt = performance.now()
      while (await isTaken(key));
      delays.push(performance.now() - revokedAt)
      const tries = connections.map(async connection => {
        for (let times = 0; times < TRIES / CONNECTIONS; times++)
          if (await isTaken(key, connection)) stale += 1
      })
      await Promise.all(tries)
    }
    for (const connection of [first, ...connections]) connection.close()

    delays.sort((a, b) => a - b)
    const percentile = (share: number) => delays[Math.ceil(share * delays.length) - 1] ?? Number.NaN
    const ms = (share: number) => `${percentile(share).toFixed(1)} ms`
    const tried = Math.ceil(TRIES / CONNECTIONS) * CONNECTIONS * keys.length
    return [
      { what: `${keys.length} revocations: p50 until it is refused`, value: ms(0.5) },
      { what: 'p99', value: ms(0.99), budget: '≤ 150 ms', holds: percentile(0.99) <= 150 },
      {
        what: `taken again in ${tried} tries after it`,
        value: String(stale),
        budget: '0',
        holds: stale === 0,
      },
    ]
  },
}
