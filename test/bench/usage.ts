import { readFile } from 'node:fs/promises'

/** Clock ticks of /proc in a second, on every Linux that Node runs on. */
const ticksPerSecond = 100

/** CPU time that a process has used, in milliseconds. */
export async function cpuMs(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond
}

/** Resident memory of a process, in kB. */
export async function residentKb(pid: number): Promise<number> {
  const [, kb = ''] = /^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kb)
}

/** Measures how much of one core a process uses. */
export async function watchCpu(pid: number): Promise<() => Promise<string>> {
  const [before, since] = [await cpuMs(pid), performance.now()]
  return async () => `${((((await cpuMs(pid)) - before) * 100) / (performance.now() - since)).toFixed(1)} %`
}
