/**
 * Secrets of signing secrets that an older master secret has sealed are sealed with the newest one, at every start: that is
 * when master secrets can have changed. Then the older one can go (docs/rotation.md). It runs beside requests; a secret
 * that cannot be opened stays as it is, and `/v1/secrets` says so.
 */
import { sql } from 'kysely'
import type { Db } from '../db/connect.ts'
import type { Logger } from '../log.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { isNewestSeal, seal, unseal } from '../secrets/seal.ts'
import { type SigningMaterial, type StoredKey, signingMaterial } from './signing-material.ts'

export interface SealAnew {
  start(): void
  /** Waits for the batch that is under way. */
  stop(): Promise<void>
}

const BATCH = 100

export function createSealAnew(deps: { db: Db; keyring: Keyring; log: Logger }): SealAnew {
  let stopping = false
  let running: Promise<void> | undefined
  return {
    start() {
      running = sealAll(deps, () => stopping).catch(error =>
        deps.log.warn({ err: error }, 'signing secrets could not be sealed anew; the next start tries again'),
      )
    },
    async stop() {
      stopping = true
      await running
    },
  }
}

/** Several nodes may do so at once. */
async function sealAll(
  deps: { db: Db; keyring: Keyring; log: Logger },
  isStopping: () => boolean,
): Promise<void> {
  for (let after = ''; !isStopping(); ) {
    const rows = await deps.db
      .selectFrom('client_credential')
      .select(['id', 'material', sql<string>`material::text`.as('before')])
      .where('kind', '=', 'signing-secret')
      .where('revoked_at', 'is', null)
      .where('id', '>', after)
      .orderBy('id')
      .limit(BATCH)
      .execute()
    for (const row of rows) await sealRow(deps, row)
    const last = rows.at(-1)
    if (!last || rows.length < BATCH) return
    after = last.id
  }
}

async function sealRow(
  { db, keyring, log }: { db: Db; keyring: Keyring; log: Logger },
  row: { readonly id: string; readonly material: Record<string, unknown>; readonly before: string },
): Promise<void> {
  const old = signingMaterial(row)
  const sealKey = async <Key extends StoredKey>(key: Key): Promise<Key> => {
    if (key.sealed === undefined || isNewestSeal(keyring, key.sealed)) return key
    try {
      return { ...key, sealed: await seal(keyring, await unseal<string>(keyring, key.sealed)) }
    } catch (error) {
      log.warn({ err: error, credential: row.id }, 'a signing secret cannot be opened')
      return key
    }
  }
  const material: SigningMaterial = {
    ...old,
    current: await sealKey(old.current),
    pending: old.pending && (await sealKey(old.pending)),
    retired: await Promise.all(old.retired.map(sealKey)),
  }
  const text = JSON.stringify(material)
  if (text === JSON.stringify(old)) return
  // Nobody needs to be told: it is the same key. Whatever has changed it meanwhile has sealed it anew, or the next start does.
  await db
    .updateTable('client_credential')
    .set({ material: text })
    .where('id', '=', row.id)
    .where(sql<boolean>`material = ${row.before}::jsonb`)
    .execute()
}
