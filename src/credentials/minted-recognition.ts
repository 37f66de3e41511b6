/**
 * From a presented text to the row it belongs to: shape (no I/O), id, and a constant-time compare with the secrets of the
 * row. Unknown, mistyped and wrong look the same outside.
 */
import { createHash } from 'node:crypto'
import type { Config } from '../config.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { parseMinted } from '../secrets/minted-format.ts'
import type { Checks } from './checks.ts'
import type { Wanted } from './kind.ts'
import type { FoundMinted, MintedDirectory } from './minted-directory.ts'
import { idsOfImported, type MatchedSecret, matchNothing, matchSecret } from './minted-secret.ts'
import { KIND_OF_FORMAT, type MintedKind, ownership } from './minted-token.ts'
import type { MintedUses } from './minted-uses.ts'
import type { Refusals } from './refusals.ts'

export interface RecognitionDeps {
  readonly config: Pick<Config, 'tokenPrefixes'>
  readonly keyring: Keyring
  readonly minted: MintedDirectory
  readonly uses: Pick<MintedUses, 'refused' | 'retiredUsed'>
  readonly refusals: Pick<Refusals, 'invalidCredential'>
}

export interface Recognized extends FoundMinted {
  readonly matched: MatchedSecret
}

/** @throws Problem 401 */
export type Recognize = (token: string, wanted: Wanted, checks: Checks) => Promise<Recognized>

/** What a key of another system may look like. */
const FOREIGN = /^[\x21-\x7e]{16,512}$/

export function createRecognize({ config, keyring, minted, uses, refusals }: RecognitionDeps): Recognize {
  /** Where it may be found; undefined: nowhere, it is malformed. */
  function lookUpBy(token: string): { kind: MintedKind; ids: readonly string[] } | undefined {
    const parts = parseMinted(token)
    if (parts === 'malformed') return undefined
    if (parts)
      return config.tokenPrefixes.includes(parts.prefix)
        ? { kind: KIND_OF_FORMAT[parts.kind], ids: [parts.id] }
        : undefined
    if (!FOREIGN.test(token)) return undefined
    return { kind: 'api-key', ids: idsOfImported(keyring, createHash('sha256').update(token).digest()) }
  }

  async function findFirst(ids: readonly string[], kind: MintedKind): Promise<FoundMinted | undefined> {
    for (const id of ids) {
      const found = await minted.find(id)
      if (found && ownership(found.record.row).kind === kind) return found
    }
    return undefined
  }

  return async (token, wanted, checks) => {
    const need = (name: string, passed: boolean, reason: string, detail: () => string) =>
      checks.need(name, passed, detail, () => refusals.invalidCredential(reason))
    const stop = (reason: string): never => {
      checks.settle()
      throw refusals.invalidCredential(reason)
    }

    const by = lookUpBy(token)
    need('shape', by !== undefined, 'mistyped or cut short', () =>
      by ? `it is meant for one of kind ${by.kind}` : 'it is mistyped or cut short',
    )
    if (!by) return stop('mistyped or cut short')

    const found = await findFirst(by.ids, by.kind)
    if (!found) matchNothing(keyring, token)
    need('known', found !== undefined, 'unknown', () =>
      found ? `its id is ${found.record.row.id}` : 'there is none with this id',
    )
    if (!found) return stop('unknown')

    const { row } = found.record
    const matched = matchSecret(keyring, token, row)
    const retired = matched?.which === 'retired' ? matched.retired : undefined
    const isOver = retired !== undefined && new Date(retired.until) <= found.now
    if (!wanted.explain && (!matched || isOver)) uses.refused(row, wanted)
    if (!wanted.explain && isOver) await uses.retiredUsed(row, retired, wanted)
    need('secret', matched !== undefined && !isOver, isOver ? 'replaced secret' : 'wrong secret', () => {
      if (retired) return `it was replaced and ${isOver ? 'worked' : 'works'} until ${retired.until}`
      return matched ? 'it is right' : 'it is wrong'
    })
    if (!matched || isOver) return stop('wrong secret')
    return { ...found, matched }
  }
}
