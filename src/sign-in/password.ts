/**
 * Passwords of people at rest: argon2id in a PHC string, 19 MiB, 2 passes, 1 lane (OWASP). Every password is composed
 * (Unicode NFC) first, so that one typed on another keyboard is the same. High-entropy secrets are not hashed here: they
 * need no slow hash (secrets/hash.ts).
 */
import { availableParallelism } from 'node:os'
import { argon2id, hash, needsRehash, verify } from 'argon2'
import { createHashQueue } from './hash-queue.ts'

const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

/** What an imported hash may cost: about ten times ours, else one sign-in could hold up everyone's. */
const MOST = { memoryCost: 131_072, timeCost: 10, parallelism: 8, memoryTimesTime: 400_000 } as const

const PHC =
  /^\$argon2id\$v=19\$m=(?<m>[1-9]\d{0,6}),t=(?<t>[1-9]\d?),p=(?<p>[1-9])\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}$/

/** Fits no password: its 32 bytes of hash are zeros. Checked where there is no hash, so that time tells nothing. */
const DUMMY = `$argon2id$v=19$m=${PARAMETERS.memoryCost},t=${PARAMETERS.timeCost},p=${PARAMETERS.parallelism}$bGF0Y2hrZXkgZHVtbXkgIQ$${'A'.repeat(43)}`

/**
 * One queue for the process, because it guards the process's cores. Not more than three at once: the hashes run in
 * libuv's pool of four threads, and one has to stay free for DNS look-ups and files.
 */
const queue = createHashQueue({
  atOnce: Math.min(availableParallelism(), 3),
  longestWaitMs: 2000,
  firstGuessMs: 50,
})

const composed = (password: string) => password.normalize('NFC')

/** @throws Problem 503 with `Retry-After` when too many passwords are waiting */
export function hashPassword(password: string): Promise<string> {
  return queue.run(() => hash(composed(password), { type: argon2id, ...PARAMETERS }))
}

/**
 * Takes as long for `undefined`, and for a hash we do not accept, as for one of ours; both are false.
 * @throws Problem 503 with `Retry-After` when too many passwords are waiting
 */
export async function verifyPassword(passwordHash: string | undefined, password: string): Promise<boolean> {
  const known = passwordHash !== undefined && passwordHashMistake(passwordHash) === undefined
  const matches = await queue.run(() => verify(known ? passwordHash : DUMMY, composed(password)))
  return known && matches
}

/** Whether the hash was made with other parameters than today's: then make a new one while the password is at hand. */
export function isOutdated(passwordHash: string): boolean {
  return needsRehash(passwordHash, PARAMETERS)
}

/** Why a hash that somebody brought along cannot be used: a sentence, or undefined when it can. */
export function passwordHashMistake(passwordHash: string): string | undefined {
  const groups = PHC.exec(passwordHash)?.groups
  if (!groups) return 'must be an argon2id hash (version 19) as a PHC string'
  const [m, t, p] = [Number(groups.m), Number(groups.t), Number(groups.p)]
  if (m < 8 * p) return 'has less memory than argon2 allows'
  if (m > MOST.memoryCost || t > MOST.timeCost || p > MOST.parallelism || m * t > MOST.memoryTimesTime)
    return `costs too much to check (at most m=${MOST.memoryCost}, t=${MOST.timeCost}, p=${MOST.parallelism}, m·t=${MOST.memoryTimesTime})`
  return undefined
}
