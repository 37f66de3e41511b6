import type { Tx } from '../db/connect.ts'

/** What people have allowed for a resource stays allowed under its new identifier. */
export async function renameInConsent(tx: Tx, from: string, to: string): Promise<void> {
  await tx.updateTable('consent').set({ resource: to }).where('resource', '=', from).execute()
}
