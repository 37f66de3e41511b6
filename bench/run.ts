/**
 * `npm run bench`: what the budgets of docs/speed.md are measured with. Prints one line per workload and reference:
 * rates per server CPU-second, their ratio, the budget. Ratios of one run; absolute numbers differ between machines.
 */
import { type MeasureOptions, measure, type Result } from './measure.ts'
import { prepareSetting } from './setting.ts'
import { clientCredentials } from './workloads/client-credentials.ts'
import { introspectionOfJwt } from './workloads/introspection.ts'
import { discovery, jwks } from './workloads/static-documents.ts'

const WORKLOADS = [clientCredentials, introspectionOfJwt, discovery, jwks]

const number = (name: string, fallback: number) => Number(process.env[name] ?? fallback)
const options: MeasureOptions = {
  rounds: number('BENCH_ROUNDS', 5),
  duration: number('BENCH_DURATION_MS', 1000),
  connections: number('BENCH_CONNECTIONS', 16),
}

function line({ workload, reference, ours, theirs, ratio, budget }: Result): string {
  const verdict = budget === undefined ? '' : ratio >= budget ? `≥ ${budget} ok` : `≥ ${budget} MISSED`
  return [
    workload.padEnd(34),
    ours.toFixed(0).padStart(8),
    reference.padEnd(6),
    theirs.toFixed(0).padStart(8),
    ratio.toFixed(3).padStart(7),
    verdict,
  ].join('  ')
}

const wanted = process.argv.slice(2)
const setting = await prepareSetting()
try {
  process.stdout.write(`requests per server CPU-second, median of ${options.rounds} interleaved rounds\n\n`)
  for (const workload of WORKLOADS.filter(
    ({ name }) => wanted.length === 0 || wanted.some(word => name.includes(word)),
  ))
    for (const result of await measure(workload, setting, options)) process.stdout.write(`${line(result)}\n`)
} finally {
  await setting.close()
}
