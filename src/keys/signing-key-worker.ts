/** Moves the signing keys on when their time has come. It runs on every node; a leased turn lets one of them do it. */
import { takeTurn } from '../db/turn.ts'
import type { Logger } from '../log.ts'
import { moveSigningKeys, type RotationDeps } from './rotate-signing-keys.ts'

export interface SigningKeyWorker {
  start(): void
  /** Waits for what is running. */
  stop(): Promise<void>
  /** @returns whether anything happened; false also when it is another node's turn */
  runOnce(): Promise<boolean>
}

const EVERY_SECONDS = 30
const TURN = 'signing keys'

export function createSigningKeyWorker(deps: RotationDeps & { readonly log: Logger }): SigningKeyWorker {
  const { db, log } = deps
  let timer: NodeJS.Timeout | undefined
  let running = false
  let run: Promise<unknown> | undefined

  const runOnce = async () => {
    // A little shorter than the wait, so that a node alone has every turn.
    if (!(await takeTurn(db, TURN, EVERY_SECONDS / 2))) return false
    const moved = await moveSigningKeys(deps)
    if (moved) log.info('signing keys rotated')
    return moved
  }

  const schedule = () => {
    timer = setTimeout(
      () => {
        run = runOnce()
          .catch(error => log.warn({ err: error }, 'the signing keys could not be moved on; trying again'))
          .finally(() => {
            if (running) schedule()
          })
      },
      EVERY_SECONDS * 1_000 * (0.75 + Math.random() / 2),
    )
  }

  return {
    start() {
      if (running) return
      running = true
      schedule()
    },
    async stop() {
      running = false
      clearTimeout(timer)
      await run
    },
    runOnce,
  }
}
