// Sessions that began a while ago, without waiting.
import { sealDocument, unsealDocument } from '../../src/oidc/sealed-document.ts'
import type { TestApp } from './app.ts'

/** From now on everybody who is signed in did so this many minutes ago. */
export async function signedInMinutesAgo({ db, keyring }: TestApp, minutes: number): Promise<void> {
  const rows = await db
    .selectFrom('session')
    .select(['uid', 'sealed_payload', 'expires_at'])
    .where('ended_at', 'is', null)
    .execute()
  for (const { uid, sealed_payload: sealed, expires_at: expiresAt } of rows) {
    const payload = await unsealDocument(keyring, sealed, expiresAt)
    const loginTs = Math.floor(Date.now() / 1000) - minutes * 60
    await db
      .updateTable('session')
      .set({ sealed_payload: await sealDocument(keyring, { ...payload, loginTs }) })
      .where('uid', '=', uid)
      .execute()
  }
}
