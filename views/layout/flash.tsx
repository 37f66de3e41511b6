import { Notice } from '../messages/notice.tsx'
import { usePage } from '../page-context.ts'

/** What the last request did, if it left a notice. */
export function Flash() {
  const { notice } = usePage()
  return notice ? <Notice tone={notice.tone}>{notice.text}</Notice> : null
}
