/** `latchkey signing-key`: a thin client of `/v1/signing-keys`. */
import { callApi } from './api.ts'

interface Key {
  readonly kid: string
  readonly alg: string
  readonly state: string
  readonly activated_at: string | null
  readonly usable_at: string | null
  readonly rotates_at: string | null
  readonly expires_at: string | null
}

interface Waited {
  readonly nodes: { readonly live: number; readonly acknowledged: number }
}

export interface RotationOptions {
  readonly alg?: string | undefined
  /** The kid of a key that ends at once. */
  readonly emergency?: string | undefined
}

const PATH = '/v1/signing-keys'

const print = (text: string) => process.stdout.write(`${text}\n`)

export async function listKeys(json: boolean): Promise<void> {
  const { data } = await callApi<{ data: Key[] }>('GET', PATH)
  print(json ? JSON.stringify({ data }) : data.map(lineOf).join('\n'))
}

export async function rotateKeys(json: boolean, { alg, emergency }: RotationOptions): Promise<void> {
  if (emergency === undefined) {
    const { data } = await callApi<{ data: Key[] }>(
      'POST',
      `${PATH}/rotate`,
      alg === undefined ? {} : { alg },
    )
    print(json ? JSON.stringify({ data }) : data.map(lineOf).join('\n'))
    return
  }
  const body = { emergency: true, kid: emergency }
  const waited = await callApi<Waited>('POST', `${PATH}/rotate?wait=all&timeout=30`, body)
  const { live, acknowledged } = waited.nodes
  const all = live === acknowledged
  print(
    json
      ? JSON.stringify(waited)
      : `${emergency} has ended; ${all ? 'every node knows it' : `${acknowledged} of ${live} nodes know it so far`}.\n` +
          'APIs that verify by themselves may believe it until their copy of the JWKS runs out: ten minutes at most.',
  )
}

function lineOf(key: Key): string {
  const since = {
    current: `signs since ${key.activated_at}${key.rotates_at === null ? '' : `, until ${key.rotates_at}`}`,
    next: `may sign from ${key.usable_at} on`,
    previous: `is published until ${key.expires_at}`,
  }[key.state]
  return `${key.alg.padEnd(6)} ${key.state.padEnd(8)} ${key.kid}  ${since ?? ''}`
}
