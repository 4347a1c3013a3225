// Run by npm after an installation. Without a bundle the program works too, so nothing here fails the installation.
try {
  await import('./build.ts')
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error)
  process.stderr.write(`${reason}\nSignalbox was not bundled: it runs from its sources, and starts more slowly.\n`)
}
