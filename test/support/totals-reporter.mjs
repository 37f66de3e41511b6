// Prints the totals as the last line, for people and for machines, and fails a run that ran nothing.
import { writeSync } from 'node:fs'
export default class TotalsReporter {
  #ranNothing = false

  onRunComplete(_contexts, results) {
    // A file that could not be loaded has no test that failed: it counts as one.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites
    const passed = results.numPassedTests
    const skipped = results.numPendingTests + results.numTodoTests
    this.#ranNothing = passed + failed === 0
    if (this.#ranNothing) process.stderr.write('No test ran.\n')
    const totals = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
    // Jest prints its own summary after every reporter.
    process.once('exit', () => writeSync(1, `${totals}\n`))
  }

  getLastError() {
    return this.#ranNothing ? new Error('No test ran.') : undefined
  }
}
