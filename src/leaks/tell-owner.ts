/**
 * Who hears of a leak, and in which words. Mail goes to addresses that their owners have confirmed, and to nobody else:
 * otherwise anybody could have us write to any address. Where it was seen is not in the mail, because strangers write it; it
 * is on the page.
 */
import { messagesFor } from '../../views/messages/catalogue.ts'
import type { SeenLeak } from '../credentials/tables.ts'
import type { Tx } from '../db/connect.ts'
import type { Letter } from '../mail/mail.ts'
import type { LeakPolicy } from '../setting-parsers.ts'
import type { Leaked } from './leaked.ts'

/** Members who look after a client. */
const KEEPERS = ['owner', 'developer'] as const

/**
 * The account; of a client the owners and developers of its organization, or administrators where it has none. Nobody for one
 * that registered itself: whoever did that could put words of their own before administrators, again and again.
 */
async function addressesOf(tx: Tx, { type, id }: Leaked['owner']): Promise<string[]> {
  const people = tx
    .selectFrom('account')
    .select('account.email')
    .distinct()
    .where('account.email', 'is not', null)
    .where('account.email_verified', '=', true)
    .where('account.disabled_at', 'is', null)
  const chosen =
    type === 'account'
      ? people.where('account.id', '=', id)
      : people
          .leftJoin('organization_member as m', 'm.account_id', 'account.id')
          .innerJoin('client as c', join => join.on('c.client_id', '=', id))
          .where(eb =>
            eb.or([
              eb.and([
                eb('m.organization_id', '=', eb.ref('c.organization_id')),
                eb('m.role', 'in', KEEPERS),
              ]),
              eb.and([
                eb('c.organization_id', 'is', null),
                eb('c.registration', '=', 'operator'),
                eb('account.admin', '=', true),
              ]),
            ]),
          )
  const rows = await chosen.execute()
  return rows.flatMap(({ email }) => email ?? [])
}

/** What somebody typed as a name, on one line. */
const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim()

/** The letters that tell of it. */
export async function lettersOf(
  tx: Tx,
  issuer: string,
  leaked: Leaked,
  { how }: Pick<SeenLeak, 'how'>,
  policy: LeakPolicy,
): Promise<Letter[]> {
  const words = messagesFor('en').leakMail
  const told = {
    kind: leaked.kind,
    name: oneLine(leaked.name),
    policy,
    how,
    url: `${issuer}${leaked.page}`,
    issuer,
  }
  const addresses = await addressesOf(tx, leaked.owner)
  return addresses.map(to => ({ to, subject: words.subject(told), text: words.text(told) }))
}
