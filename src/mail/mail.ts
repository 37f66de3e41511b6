/**
 * GROUND: mail. A letter is an item of the outbox, written in the transaction of what it tells of, and sealed there: one
 * day it holds a link that opens something. Some node sends it, again until it is taken or given up; the Message-ID stays
 * the same. It owns no words and no addresses. Without SMTP_URL letters are files (send-mail.ts), in production nothing.
 */
import type { Db, Tx } from '../db/connect.ts'
import { newId } from '../db/id.ts'
import { enqueueAll, type OutboxHandler } from '../db/outbox.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { seal, unseal } from '../secrets/seal.ts'
import { createSendMail, type MailConfig } from './send-mail.ts'

/** The outbox's topic. */
export const MAIL = 'mail'

export interface Letter {
  /** One address. */
  readonly to: string
  readonly subject: string
  /** Plain text. */
  readonly text: string
}

export interface Mail {
  /** In the transaction of what the letters tell of. Does nothing where no mail is sent. */
  queue(tx: Tx | Db, letters: readonly Letter[]): Promise<void>
  readonly deliver: OutboxHandler
}

/** An item's lane: one server takes all mail, and it is asked by few at a time. */
const LANE = 'mail'

export function createMail({ config, keyring }: { config: MailConfig; keyring: Keyring }): Mail {
  const send = createSendMail(config)
  return {
    async queue(tx, letters) {
      if (!send) return
      const sealed = await Promise.all(letters.map(letter => seal(keyring, letter)))
      await enqueueAll(
        tx,
        MAIL,
        sealed.map(one => ({ payload: { message_id: newId(), sealed: one }, lane: LANE })),
      )
    },

    async deliver({ message_id: id, sealed }, _attempt, signal) {
      if (!send) throw new Error('No mail can be sent: SMTP_URL is not set.')
      await send(await unseal<Letter>(keyring, String(sealed)), String(id), signal)
    },
  }
}
