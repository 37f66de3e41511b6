/**
 * The signing keys as a node has them in memory. A change of the keys is known here in the moment in which the change log
 * delivers it: whoever asks from then on waits until the new keys have been read. While the log is not fresh every
 * question asks the database, so that a node which has lost touch neither signs with nor believes a key that has ended.
 */
import type { JSONWebKeySet, JWK } from 'jose'
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import type { Logger } from '../log.ts'
import type { Keyring } from '../secrets/keyring.ts'
import {
  listRetiredKeys,
  openSigningKeys,
  SIGNING_KEY_CHANGE,
  type SigningKey,
  type SigningKeyRow,
  selectSigningKeys,
} from './signing-keys.ts'

/** The same object as long as nothing changes. */
export interface KeySet {
  /** In the order of listSigningKeys. */
  readonly keys: readonly SigningKey[]
  readonly publicKeys: JSONWebKeySet
  /** Not published, and good for hints only. */
  readonly retiredKeys: readonly JWK[]
}

export interface SigningKeySet {
  /** The keys of now. @throws when the database must be asked and cannot be */
  now(): KeySet | Promise<KeySet>
  close(): void
}

export interface SigningKeySetDeps {
  readonly db: Db
  readonly keyring: Keyring
  readonly changeLog: Pick<ChangeLog, 'subscribe' | 'isFresh'>
  readonly log: Logger
}

interface Known {
  readonly set: KeySet
  readonly fingerprint: string
  /** How many changes had been heard of when it was read. */
  readonly changes: number
}

const fingerprintOf = (rows: readonly SigningKeyRow[], retired: readonly JWK[]) =>
  [...rows.map(({ kid, state }) => `${state} ${kid}`), ...retired.map(({ kid }) => kid)].join()

export function createSigningKeySet({ db, keyring, changeLog, log }: SigningKeySetDeps): SigningKeySet {
  let changes = 0
  let known: Known | undefined
  let reading: { readonly changes: number; readonly set: Promise<KeySet> } | undefined

  async function read(): Promise<KeySet> {
    const seen = changes
    const rows = await selectSigningKeys(db)
    const retired = await listRetiredKeys(db)
    const fingerprint = fingerprintOf(rows, retired)
    const set = known?.fingerprint === fingerprint ? known.set : await open(rows, retired)
    // One that began earlier may end later.
    if (!known || seen >= known.changes) known = { set, fingerprint, changes: seen }
    return set
  }

  async function open(rows: readonly SigningKeyRow[], retiredKeys: readonly JWK[]): Promise<KeySet> {
    const keys = await openSigningKeys(keyring, rows)
    return { keys, publicKeys: { keys: keys.map(({ publicJwk }) => publicJwk) }, retiredKeys }
  }

  function readOnce(): Promise<KeySet> {
    if (reading?.changes !== changes) {
      const set = read().finally(() => {
        if (reading?.set === set) reading = undefined
      })
      reading = { changes, set }
    }
    return reading.set
  }

  const close = changeLog.subscribe(SIGNING_KEY_CHANGE, () => {
    changes += 1
    readOnce().catch(error =>
      log.warn({ err: error }, 'the signing keys cannot be read; trying again when needed'),
    )
  })

  return {
    now() {
      // A read that others began could be older than this question.
      if (!changeLog.isFresh()) return read()
      return known?.changes === changes ? known.set : readOnce()
    },
    close,
  }
}
