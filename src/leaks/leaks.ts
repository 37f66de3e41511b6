/**
 * What is done about a secret that others know. A report is written down, sealed, before it is answered, and handled at
 * once beside the answer: how long that takes, and whether anything was found, is not to be seen from outside. When the
 * process dies over it, the outbox does it again. Everything here may run twice.
 */
import type { Audit, Source } from '../audit/audit.ts'
import type { Config } from '../config.ts'
import { basicSecrets } from '../credentials/basic.ts'
import type { Db } from '../db/connect.ts'
import { newId } from '../db/id.ts'
import { enqueueAll, type OutboxHandler, withdraw } from '../db/outbox.ts'
import { transaction } from '../db/transaction.ts'
import type { Logger } from '../log.ts'
import type { Mail } from '../mail/mail.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { seal, unseal } from '../secrets/seal.ts'
import { type PolicyByKind, policyOfAll } from '../setting-parsers.ts'
import type { FindLeaked, Leaked } from './leaked.ts'
import { lettersOf } from './tell-owner.ts'

/** The outbox's topic. */
export const LEAK_REPORT = 'leak-report'

export interface LeakReport {
  readonly tokens: readonly string[]
  /** Where they were seen, in the words of whoever reports them. */
  readonly where?: string | undefined
  readonly source: Source
}

export interface Leaks {
  /** Safe in the database when the promise resolves; handled beside. */
  accept(report: LeakReport): Promise<void>
  /** Secrets that came over http, as a trusted proxy says. Finds them; what is to be done about them is done beside. */
  cameOverHttp(texts: readonly string[], source: Source): Promise<void>
  /** Reports that were not handled beside their answer. */
  readonly deliver: OutboxHandler
  /** Waits for what is being handled. */
  stop(): Promise<void>
}

export interface LeaksDeps {
  readonly config: Pick<Config, 'issuer' | 'leakedCredentialPolicy' | 'plainHttpPolicy'>
  readonly db: Db
  readonly keyring: Keyring
  readonly log: Logger
  readonly audit: Pick<Audit, 'record' | 'recordLater'>
  readonly mail: Pick<Mail, 'queue'>
  /** One for each family of credentials. */
  readonly finders: readonly FindLeaked[]
}

/** Seconds. Then the outbox takes a report that is still there. */
const SECOND_TRY = 60
const MINTED = /[a-z][a-z0-9]{1,15}_(?:live|test)_(?:key|pat)_[0-9A-Za-z]{16}_[0-9A-Za-z]{49}/g

export function createLeaks(deps: LeaksDeps): Leaks {
  const { config, db, keyring, log, audit, mail, finders } = deps
  const running = new Set<Promise<void>>()

  /** Beside whatever is going on. A failure is logged; what must not be lost is in the outbox. */
  function beside(work: () => Promise<void>): void {
    const run: Promise<void> = work()
      .catch(error => log.warn({ err: error }, 'a leaked credential could not be dealt with; trying again'))
      .finally(() => running.delete(run))
    running.add(run)
  }

  const find = async (text: string) => (await Promise.all(finders.map(one => one(text)))).flat()

  async function handle(
    leaked: Leaked,
    leak: { readonly how: 'reported' | 'plain_http'; readonly last4: string; readonly where?: string },
    policies: PolicyByKind,
    source: Source,
  ): Promise<void> {
    const { kind, id, clientId, alive } = leaked
    const policy = policies[kind]
    await transaction(db, async tx => {
      if (!(await leaked.mark(tx, leak))) return
      await audit.record(tx, {
        type: 'credential_leaked',
        outcome: 'success',
        actor: { type: 'anonymous' },
        subject: { type: kind, id },
        ...(clientId !== undefined && { clientId }),
        source,
        detail: { ...leak, alive, ...(alive && { policy }) },
      })
      if (alive) await mail.queue(tx, await lettersOf(tx, config.issuer, leaked, leak, policy))
    })
    if (alive && policy !== 'report') await leaked.end(policy, source)
  }

  async function handleReport({ tokens, where, source }: LeakReport): Promise<void> {
    const texts = new Set(tokens.flatMap(token => secretsIn(token.trim())))
    const shown = where === undefined ? {} : { where: withoutSecrets(where, [...texts]) }
    for (const text of texts)
      for (const leaked of await find(text)) {
        const leak = { how: 'reported', last4: text.slice(-4), ...shown } as const
        await handle(leaked, leak, config.leakedCredentialPolicy, source)
      }
  }

  return {
    async accept(report) {
      const id = newId()
      const payload = { sealed: await seal(keyring, report) }
      await enqueueAll(db, LEAK_REPORT, [{ id, payload, delay: SECOND_TRY }])
      beside(async () => {
        await handleReport(report)
        await withdraw(db, id)
      })
    },

    async cameOverHttp(texts, source) {
      const found = (
        await Promise.all([...new Set(texts)].map(async text => ({ text, all: await find(text) })))
      ).flatMap(({ text, all }) => all.map(leaked => ({ leaked, last4: text.slice(-4) })))
      const [first] = found
      audit.recordLater({
        type: 'credential_over_http',
        outcome: 'refused',
        actor: { type: 'anonymous' },
        ...(first && { subject: { type: first.leaked.kind, id: first.leaked.id } }),
        ...(first?.leaked.clientId !== undefined && { clientId: first.leaked.clientId }),
        source,
        detail: { policy: config.plainHttpPolicy },
      })
      if (config.plainHttpPolicy === 'report') return
      const policies = policyOfAll(config.plainHttpPolicy)
      for (const { leaked, last4 } of found)
        if (leaked.alive) beside(() => handle(leaked, { how: 'plain_http', last4 }, policies, source))
    },

    async deliver({ sealed }) {
      await handleReport(await unseal<LeakReport>(keyring, String(sealed)))
    },

    async stop() {
      await Promise.all(running)
    },
  }
}

/** People paste whole headers. */
function secretsIn(text: string): string[] {
  const [, credentials] = /^(?:authorization\s*:\s*)?basic\s+(\S+)$/i.exec(text) ?? []
  return credentials === undefined ? [text] : [text, ...basicSecrets(credentials)]
}

/** People paste addresses with the token in them. */
function withoutSecrets(text: string, tokens: readonly string[]): string {
  const longestFirst = [...tokens].sort((one, other) => other.length - one.length)
  return longestFirst
    .reduce((rest, token) => (token.trim() === '' ? rest : rest.replaceAll(token.trim(), '…')), text)
    .replaceAll(MINTED, '…')
}
