// Unpacks the Chromium of the package @sparticuz/chromium into TMPDIR. It is a process of its own, run by chromium.ts,
// because the package writes into the process's temporary directory under fixed names.
import chromium from '@sparticuz/chromium'

await chromium.executablePath()
