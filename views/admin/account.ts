import { paths } from '../layout/paths.ts'

/** An account as administrators see it. */
export interface ShownAccount {
  id: string
  username: string
  name: string
  email: string | undefined
  admin: boolean
  disabled: boolean
  createdAt: Date
}

export const accountPath = (id: string): string => `${paths.adminAccounts}/${encodeURIComponent(id)}`
